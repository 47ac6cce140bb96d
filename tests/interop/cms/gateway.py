"""Header identity for a Django CMS behind the gateway: who sends X-Remote-User from loopback is believed.

The user, the address and the rank follow the headers of every request that begins a session here; a
request without the header ends it.
"""

import ipaddress

from django.contrib.auth.backends import RemoteUserBackend
from django.contrib.auth.middleware import RemoteUserMiddleware
from django.contrib.auth.models import Group

TRUSTED = ipaddress.ip_network("127.0.0.0/8")


class GatewayUserMiddleware(RemoteUserMiddleware):
    header = "HTTP_X_REMOTE_USER"

    def process_request(self, request):
        if ipaddress.ip_address(request.META["REMOTE_ADDR"]) not in TRUSTED:
            request.META.pop(self.header, None)
        return super().process_request(request)


class GatewayUserBackend(RemoteUserBackend):
    create_unknown_user = True

    def configure_user(self, request, user, created=True):
        groups = request.META.get("HTTP_X_REMOTE_GROUPS", "").split(",")
        user.email = request.META.get("HTTP_X_REMOTE_EMAIL", "")
        user.is_superuser = user.is_staff = "sitecore\\cms-admins" in groups
        user.save()
        is_author = "sitecore\\cms-authors" in groups
        user.groups.set(Group.objects.filter(name="Editors") if is_author else [])
        return user
