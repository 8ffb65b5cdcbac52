"""What a function is told by its environment: named in one place, read when first used.

A function's template lists only what it needs, so a setting is asked for when it is used, not when this is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

LOCAL = "local"
"""The one stage where the clock may be moved."""


class MissingSetting(RuntimeError):
    """The template does not set an environment variable that this function needs: a mistake in the deployment."""


class Settings:
    """The environment, typed. Every property raises `MissingSetting` unless its sentence names a default."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    @property
    def stage(self) -> str:
        """`local`, or the name of the stack's stage."""
        return self._needed("STAGE")

    @property
    def is_local(self) -> bool:
        """Whether this is the local stage; without STAGE it is not."""
        return self._environment.get("STAGE") == LOCAL

    @property
    def facts_table(self) -> str:
        return self._needed("FACTS_TABLE")

    @property
    def books_table(self) -> str:
        return self._needed("BOOKS_TABLE")

    @property
    def click_key_secret(self) -> str:
        """The id of the secret with the keys of click ids."""
        return self._needed("CLICK_KEY_SECRET")

    @property
    def identity_key_secret(self) -> str:
        """The id of the secret behind all keyed hashes."""
        return self._needed("IDENTITY_KEY_SECRET")

    @property
    def edge_secret(self) -> str:
        """The id of the secret that the edge adds to requests."""
        return self._needed("EDGE_SECRET")

    @property
    def source_secret_prefix(self) -> str:
        """What stands before a source's name in the id of its secret."""
        return self._needed("SOURCE_SECRET_PREFIX")

    @property
    def click_failures_url(self) -> str:
        """The queue of clicks that the click queue gave up on."""
        return self._needed("CLICK_FAILURES_URL")

    @property
    def settle_queue_url(self) -> str:
        """The queue of partners' months that could not be settled at once."""
        return self._needed("SETTLE_QUEUE_URL")

    @property
    def score_queue_url(self) -> str:
        """The queue of partners that are to be looked at by the detectors."""
        return self._needed("SCORE_QUEUE_URL")

    @property
    def trigger_queue_url(self) -> str:
        """The queue of pages of partners, and of what happened, that triggers look at."""
        return self._needed("TRIGGER_QUEUE_URL")

    @property
    def postback_queue_url(self) -> str:
        """The queue of deliveries that outbound postbacks are sent from."""
        return self._needed("POSTBACK_QUEUE_URL")

    @property
    def pull_queue_url(self) -> str:
        """The queue of sources that are to be fetched."""
        return self._needed("PULL_QUEUE_URL")

    @property
    def source_files_queue_url(self) -> str:
        """The queue that tells of platforms' files."""
        return self._needed("SOURCE_FILES_QUEUE_URL")

    @property
    def source_files_bucket(self) -> str:
        """The bucket that platforms' files are put into."""
        return self._needed("SOURCE_FILES_BUCKET")

    @property
    def reaches_loopback(self) -> bool:
        """Whether what goes to hosts that others named may go to this machine: where the environment says so, and on
        the local stage alone. Without the setting it may not."""
        return self.is_local and self._environment.get("REACHES_LOOPBACK") == "yes"

    @property
    def period_close_machine(self) -> str:
        """The ARN of the state machine that closes months."""
        return self._needed("PERIOD_CLOSE_MACHINE")

    @property
    def payout_run_machine(self) -> str:
        """The ARN of the state machine that pays."""
        return self._needed("PAYOUT_RUN_MACHINE")

    @property
    def fraud_case_machine(self) -> str:
        """The ARN of the state machine that walks a case."""
        return self._needed("FRAUD_CASE_MACHINE")

    @property
    def contest_close_machine(self) -> str:
        """The ARN of the state machine that walks a contest."""
        return self._needed("CONTEST_CLOSE_MACHINE")

    @property
    def broadcast_machine(self) -> str:
        """The ARN of the state machine that sends a broadcast."""
        return self._needed("BROADCAST_MACHINE")

    @property
    def onboarding_machine(self) -> str:
        """The ARN of the state machine that writes to new partners."""
        return self._needed("ONBOARDING_MACHINE")

    @property
    def payout_schedule_group(self) -> str:
        """The group of EventBridge Scheduler in which each payout schedule has its own."""
        return self._needed("PAYOUT_SCHEDULE_GROUP")

    @property
    def payout_schedule_role(self) -> str:
        """The ARN of the role that schedules start runs with."""
        return self._needed("PAYOUT_SCHEDULE_ROLE")

    @property
    def sent_files_bucket(self) -> str:
        """The bucket of what was handed to banks."""
        return self._needed("SENT_FILES_BUCKET")

    @property
    def sent_files_key(self) -> str:
        """The ARN of the KMS key of that bucket."""
        return self._needed("SENT_FILES_KEY")

    @property
    def rails_secret_prefix(self) -> str:
        """What stands before a brand's id in the id of the secret with the accounts that it pays from."""
        return self._needed("RAILS_SECRET_PREFIX")

    @property
    def paypal_url(self) -> str:
        """Where PayPal's API answers."""
        return self._needed("PAYPAL_URL")

    @property
    def payment_key(self) -> str:
        """The ARN of the KMS key that seals payment profiles."""
        return self._needed("PAYMENT_KEY")

    @property
    def leads_key(self) -> str:
        """The ARN of the KMS key that seals who leads are."""
        return self._needed("LEADS_KEY")

    @property
    def documents_bucket(self) -> str:
        """The bucket of the documents that partners hand in."""
        return self._needed("DOCUMENTS_BUCKET")

    @property
    def audit_heads_bucket(self) -> str:
        """The bucket of the audit chains' daily heads."""
        return self._needed("AUDIT_HEADS_BUCKET")

    @property
    def contest_archive_bucket(self) -> str:
        """The bucket of what contests came to."""
        return self._needed("CONTEST_ARCHIVE_BUCKET")

    @property
    def report_queue_url(self) -> str:
        """The queue of pages of partners whose letters are due."""
        return self._needed("REPORT_QUEUE_URL")

    @property
    def fonts_folder(self) -> str:
        """Where the fonts of documents are."""
        return self._needed("FONTS_FOLDER")

    @property
    def clock_file(self) -> str | None:
        """Where the local stage keeps its clock's offset; None unless set."""
        return self._environment.get("CLOCK_FILE") or None

    @property
    def user_pool_id(self) -> str:
        return self._needed("USER_POOL_ID")

    @property
    def user_pool_client_id(self) -> str:
        return self._needed("USER_POOL_CLIENT_ID")

    @property
    def mail_from(self) -> str:
        """The address that mails come from; empty where none may be sent."""
        return self._environment.get("MAIL_FROM", "")

    @property
    def mail_events(self) -> str:
        """The configuration set that tells what becomes of mails; empty where there is none."""
        return self._environment.get("MAIL_EVENTS", "")

    @property
    def mail_events_topic(self) -> str:
        """The ARN of the topic on which SES tells it."""
        return self._needed("MAIL_EVENTS_TOPIC")

    @property
    def jwks_url(self) -> str:
        """Where the user pool publishes its keys."""
        return self._needed("JWKS_URL")

    @property
    def key_requests_per_minute(self) -> int:
        """So many requests an API key may send in the long run; 120 unless set."""
        return int(self._environment.get("KEY_REQUESTS_PER_MINUTE") or 120)

    @property
    def key_burst(self) -> int:
        """So many it may send at once; 60 unless set."""
        return int(self._environment.get("KEY_BURST") or 60)

    @property
    def member_requests_per_minute(self) -> int:
        """So many requests a signed-in member may send to one container in the long run, and as many at once; without
        the setting there is no limit."""
        return int(self._environment.get("MEMBER_REQUESTS_PER_MINUTE") or 0)

    @property
    def log_level(self) -> str:
        """INFO unless set."""
        return self._environment.get("LOG_LEVEL") or "INFO"

    @property
    def service_name(self) -> str:
        """The function's name in logs and metrics; `introducer` unless set."""
        return self._environment.get("POWERTOOLS_SERVICE_NAME") or "introducer"

    @property
    def metrics_namespace(self) -> str:
        """`Introducer` unless set."""
        return self._environment.get("POWERTOOLS_METRICS_NAMESPACE") or "Introducer"

    def _needed(self, name: str) -> str:
        value = self._environment.get(name)
        if not value:
            raise MissingSetting(f"The environment variable {name} is not set: see template.yaml.")
        return value


settings = Settings(os.environ)
"""This process's settings."""
