"""What is unusual about the contents of a folder, with what it means and what to do; pure.

None of these is a failure: the connector lives with each of them (docs/thron.md 3.1, 4.2, 11).
"""

import re
from collections import Counter
from collections.abc import Iterator

from proxy.connectors.model import Connector, DeliveryMode, is_of_types
from proxy.thron.content import Content, Publication, publication
from proxy.thron.messages import SearchPage

_REGION = re.compile("[-_]")


def content_warnings(connector: Connector, page: SearchPage) -> Iterator[str]:
    """Yield what is unusual about the first contents of a connector's folder, published or not."""
    found = [content for content in page.contents if is_of_types(connector, content)]
    sample = ""
    if page.next_page_token is not None:
        in_folder = f"about {page.estimated_total}" if page.estimated_total else "more"
        sample = f" (a sample; the folder has {in_folder})"
    by_state: dict[Publication, list[Content]] = {}
    for content in found:
        by_state.setdefault(publication(content.status, content.channels), []).append(content)
    unfinished = Counter(
        content.status
        for content in by_state.get(Publication.PUBLISHED, ())
        if content.status not in {None, "PUBLISHED", "PUBLISHED_IN_SOME_CHANNELS"}
    )
    for status, number in sorted(unfinished.items()):
        yield (
            f"{number} of {len(found)} contents are {status} in THRON{sample}, and public all the"
            " same: a channel of theirs is; nothing needs fixing"
        )
    hidden = len(found) - len(by_state.get(Publication.PUBLISHED, ()))
    if hidden and connector.only_published:
        drafts = len(by_state.get(Publication.DRAFT, ()))
        # The source file of a content that is not published can be served all the same.
        has_sources = connector.delivery is DeliveryMode.ORIGINAL
        instead = ", or set only_published = false to serve their source files"
        yield (
            f"{hidden} of {len(found)} contents are hidden{sample}: {drafts} are drafts, the others"
            f" have no public channel; publish them in THRON{instead if has_sources else ''}"
        )
    languages = {each.language for content in found for each in content.pretty_ids}
    regions = sorted(language for language in languages if _REGION.search(language))
    if regions:
        yield (
            f"prettyIDs are given for {', '.join(regions)}: addresses have that language in lower"
            " case, and work under the language alone where one content has the name"
        )
