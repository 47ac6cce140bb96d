

# --- Identity comes from the gateway in front.
import os  # noqa: E402

ALLOWED_HOSTS = ["*"]
CSRF_TRUSTED_ORIGINS = [os.environ.get("CMS_ORIGIN", "https://cms.localhost:8443")]
USE_X_FORWARDED_HOST = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
MIDDLEWARE.insert(  # noqa: F405
    MIDDLEWARE.index("django.contrib.auth.middleware.AuthenticationMiddleware") + 1,  # noqa: F405
    "cms.gateway.GatewayUserMiddleware",
)
AUTHENTICATION_BACKENDS = ["cms.gateway.GatewayUserBackend"]
DATA_UPLOAD_MAX_MEMORY_SIZE = None
WAGTAILDOCS_MAX_UPLOAD_SIZE = 64 * 1024 * 1024
