# Varnish in front of the connector: files of up to 256 MiB are stored, larger ones pass through,
# range by range. For /etc/varnish/default.vcl; Varnish 7 or newer; TLS is ended by another proxy.
# A version that knows the parameter is best started with -p transit_buffer=1m: without it, a slow
# reader of a large file makes Varnish hold what was not read yet in memory.
#
# The connector must take this proxy's word for address, scheme and host of the client, by exactly
# the fields that this file writes; what a client sent in them is replaced:
#     TDC_TRUSTED_PROXIES=127.0.0.1
#     TDC_FORWARDED=x-forwarded-for,x-forwarded-proto,x-forwarded-host
#     TDC_PUBLIC_URL=https://media.example.com

vcl 4.1;

import std;

backend connector {
    .host = "127.0.0.1";
    .port = "8080";
    .first_byte_timeout = 30s;
    .between_bytes_timeout = 30s;
    .probe = {
        .url = "/-/readyz";
        .interval = 5s;
        .initial = 3;
    }
}

# Where TLS is ended: whose X-Forwarded-For and X-Forwarded-Proto count; it must write both itself.
acl tls_proxies {
    "127.0.0.1";
}

sub vcl_recv {
    # Of no concern to public files; with them nothing would be stored.
    unset req.http.Cookie;
    unset req.http.Authorization;

    # The connector reads no query but these: the parameters of campaigns make no copies.
    if (req.url ~ "\?(.*&)?(download|inline)([=&]|$)") {
        set req.url = regsub(req.url, "\?(?:.*?&)?(download|inline)(?:[=&].*)?$", "?\1");
    } else {
        set req.url = regsub(req.url, "\?.*$", "");
    }

    # Varnish has appended the client's address to what came: only the TLS proxy's word may stay.
    if (client.ip !~ tls_proxies) {
        set req.http.X-Forwarded-For = client.ip;
        set req.http.X-Forwarded-Proto = "http";
    } elseif (!req.http.X-Forwarded-Proto) {
        set req.http.X-Forwarded-Proto = "http";
    }
    set req.http.X-Forwarded-Host = req.http.Host;
    unset req.http.Forwarded;

    # While it is well, what has expired is served for 10 more seconds, being revalidated meanwhile;
    # while it is down, for a day.
    if (std.healthy(req.backend_hint)) {
        set req.grace = 10s;
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    return (hash);
}

sub vcl_hash {
    # Where HTTPS is forced, plain http gets a redirect.
    hash_data(req.http.X-Forwarded-Proto);
}

sub vcl_backend_response {
    if (beresp.status >= 500 && bereq.is_bgfetch) {
        return (abandon);
    }
    if (std.integer(beresp.http.Content-Length, 0) > 268435456) {
        # From now on fetched as it is asked for.
        return (pass(1h));
    }
    set beresp.grace = 1d;
    # Revalidated with If-None-Match rather than fetched again.
    set beresp.keep = 7d;
}

sub vcl_deliver {
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT";
    } else {
        set resp.http.X-Cache = "MISS";
    }
}
