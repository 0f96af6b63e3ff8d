"""Django's settings of the office desk. What differs from place to place comes from `place` and the folder's key files."""

from amparo_office.desk import place
from amparo_service.keys import secret_bytes
from amparo_service.practice_clock import clock_for
from amparo_staff.layout import words

SECRET_KEY = secret_bytes(place.folder(), "desk-key").reveal().hex()
DEBUG = False
# Invented people and an invented time: every page says so, and the page of all components exists.
PRACTICE = place.practice()
SHARING = place.sharing()
EXPORT_ALONE = place.export_alone()
AMPARO_CLOCK = clock_for(place.practice_clock())
ALLOWED_HOSTS = ["*"]  # the edge in front decides which names reach this process
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.forms",
    "amparo_staff.layout.apps.LayoutConfig",
    "amparo_staff.accounts.apps.AccountsConfig",
    "amparo_staff.approvals.apps.ApprovalsConfig",
    "amparo_staff.jobs.apps.JobsConfig",
    "amparo_staff.trail.apps.TrailConfig",
    "amparo_office.register.apps.RegisterConfig",
    "amparo_office.intake.apps.IntakeConfig",
    "amparo_office.duplicates.apps.DuplicatesConfig",
    "amparo_office.packets.apps.PacketsConfig",
    "amparo_office.desk.apps.DeskConfig",
]
MIDDLEWARE = [
    "amparo_staff.layout.security.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "amparo_staff.layout.language.MemberLanguage",
    "django.contrib.messages.middleware.MessageMiddleware",
    "amparo_staff.accounts.access.AccessMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "amparo_staff.layout.faults.FaultPages",
]
ROOT_URLCONF = "amparo_office.desk.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "amparo_staff.layout.context.layout",
            ]
        },
    }
]
FORM_RENDERER = "amparo_staff.layout.forms.OurForms"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CSRF_FAILURE_VIEW = "amparo_staff.layout.faults.stale_form"
DATABASES = {"default": place.database()}
AUTH_USER_MODEL = "accounts.StaffMember"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "sign-in"
LANGUAGE_CODE = "es"
LANGUAGES = list(words.LANGUAGES.items())
LANGUAGE_COOKIE_NAME = "amparo_language"
LOCALE_PATHS = [words.compiled(place.folder(), ("amparo_staff", "amparo_office"))]
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 10 * 60 * 60  # as long as a session lasts at most: amparo_staff.accounts.sessions
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SAMESITE = "Strict"
SECURE_CONTENT_TYPE_NOSNIFF = True
JOB_FOLDER = place.folder() / "jobs"
# Nothing that was sent lies open on the disk.
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "amparo_staff.jobs.uploads.SealedUploads",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
# Django's own log lines hold addresses and tracebacks, which could hold personal data. Ours say a code or a type.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"nowhere": {"class": "logging.NullHandler"}},
    "loggers": {"django": {"handlers": ["nowhere"], "level": "CRITICAL", "propagate": False}},
}
