"""All troubles, in the order of the page."""

from __future__ import annotations

from tests.cluster.troubles.dns import DNS
from tests.cluster.troubles.issuers import ISSUERS
from tests.cluster.troubles.manifests import MANIFESTS
from tests.cluster.troubles.refusals import CA
from tests.cluster.troubles.secrets import SECRETS
from tests.cluster.troubles.web import WEB

TROUBLES = (*MANIFESTS, *ISSUERS, *DNS, *WEB, *CA, *SECRETS)
