# Varnish in front of the connector: files of up to 256 MiB are stored, larger ones pass through,
# range by range. For /etc/varnish/default.vcl; Varnish 7 or newer; TLS is ended by another proxy.
#
# The connector must take this proxy's word for address, scheme and host of the client, by exactly
# the fields that this file writes; what a client sent in them is replaced:
#     TDC_TRUSTED_PROXIES=127.0.0.1
#     TDC_FORWARDED=x-forwarded-for,x-forwarded-proto,x-forwarded-host
#     TDC_PUBLIC_URL=https://media.example.com

# What it stores is forgotten by tag, by a hook of the file in TDC_PURGE_HOOKS:
#     [[hook]]
#     name = "varnish"
#     preset = "varnish-ban"
#     url = "http://127.0.0.1:80/"
# Where a thousand contents change an hour, the index of varnish-modules is quicker than bans:
# uncomment what has "xkey" in it, and write preset = "varnish-xkey".

vcl 4.1;

import std;
# import xkey;

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

# Who may have what is stored forgotten: the connector's machines, by plain http. What came through
# the proxy that ends TLS can be anybody's, though that is on one of these machines.
acl purgers {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    if (req.method == "BAN" || req.method == "PURGE") {
        if (client.ip !~ purgers || req.http.X-Forwarded-Proto
            || req.http.X-Forwarded-For ~ ",") {
            return (synth(405));
        }
        # if (req.http.xkey-purge) {
        #     xkey.purge(req.http.xkey-purge);
        #     return (synth(200));
        # }
        if (req.http.ban-surrogate-key
            && std.ban("obj.http.Surrogate-Key ~ " + req.http.ban-surrogate-key)) {
            return (synth(200));
        }
        return (synth(400));
    }

    if (req.restarts == 0) {
        unset req.http.X-Piped;
    }

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
    if (req.http.X-Piped) {
        return (pipe);
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    return (hash);
}

sub vcl_pipe {
    # Whatever the client sends after this request would come to the connector as it is.
    set bereq.http.Connection = "close";
    unset bereq.http.X-Piped;
}

sub vcl_hash {
    # Where HTTPS is forced, plain http gets a redirect.
    hash_data(req.http.X-Forwarded-Proto);
}

sub vcl_backend_response {
    if (beresp.status >= 500 && bereq.is_bgfetch) {
        return (abandon);
    }
    # set beresp.http.xkey = beresp.http.Surrogate-Key;
    # A lifetime of its own (cdn_max_age_s of the connector).
    if (beresp.http.Surrogate-Control ~ "max-age=[0-9]+") {
        set beresp.ttl = std.duration(
            regsub(beresp.http.Surrogate-Control, "^.*max-age=([0-9]+).*$", "\1s"), beresp.ttl);
    } elseif (beresp.http.Surrogate-Control) {
        set beresp.ttl = 0s;
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
    # What is not stored would wait in memory for a reader slower than the connector. So it is asked
    # for once more, and goes straight through.
    if (req.method == "GET" && !req.http.X-Piped && obj.uncacheable
        && std.integer(resp.http.Content-Length, 0) > 8388608) {
        set req.http.X-Piped = "1";
        return (restart);
    }
    # max-age begins anew with browsers, however long it was stored here.
    if (resp.http.Surrogate-Control) {
        unset resp.http.Surrogate-Control;
        unset resp.http.Age;
    }
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT";
    } else {
        set resp.http.X-Cache = "MISS";
    }
}
