"""What the pages work with, each part imported and built when a page first asks for it: a container that shows one page
does not read the sources of all."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

from cursors import Cursors
from limits import Limits

from introducer.domain.events import day_of
from introducer.domain.identity import brand_key
from introducer.runtime.authentication import Authenticator, PublicKeys, issuer_of
from introducer.runtime.clock import clock
from introducer.runtime.settings import Settings, settings

if TYPE_CHECKING:
    from introducer.gateways import (
        application_vault,
        documents,
        identity,
        lead_vault,
        pictures,
        schedules,
        source_secrets,
        vault,
        workflows,
    )
    from introducer.gateways.queue import Queue
    from introducer.gateways.rails.files import SentFiles
    from introducer.gateways.secrets import Secrets
    from introducer.services.application_books import ApplicationBooks
    from introducer.services.broadcast_books import BroadcastBooks
    from introducer.services.case_books import CaseBooks
    from introducer.services.contest_books import ContestBooks
    from introducer.services.edit_targets import TargetBooks
    from introducer.services.lead_books import LeadBooks
    from introducer.services.onboarding_books import OnboardingBooks
    from introducer.services.read_contracts import ContractReader
    from introducer.services.read_dossier import Shelves
    from introducer.services.read_first_steps import FirstBooks
    from introducer.services.read_network import NetworkBooks
    from introducer.services.read_partner import PartnerBooks
    from introducer.services.read_report import ReportBooks
    from introducer.services.team import TeamBooks
    from introducer.store.facts import Facts
    from introducer.store.moves import Moves


def full_jitter(attempt: int) -> None:
    """Waits before the n-th new try: the engine may be posting to the same balance, and must not be met again."""
    time.sleep(random.uniform(0, 0.02 * 2**attempt))


class Store:
    """A store of the BOOKS table: its module below `introducer.store`, and its class."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def __set_name__(self, _: type, attribute: str) -> None:
        self._attribute = attribute

    def __get__(self, portal: Portal, _: Any = None) -> Any:
        made = getattr(import_module(f"introducer.store.{self._module}"), self._name)(portal.settings.books_table)
        portal.__dict__[self._attribute] = made
        return made


@dataclass
class Portal:
    """Stores and gateways of this stack, each made when a page first asks for it."""

    settings: Settings
    now: Callable[[], datetime]
    true_now: Callable[[], datetime]
    elapsed: Callable[[], float]
    pause: Callable[[int], None] = full_jitter
    sleep: Callable[[float], None] = time.sleep
    """Waits so many seconds, for what another request is making."""

    configuration = Store("configuration", "Configuration")
    ledger = Store("ledger", "Ledger")
    adjustments = Store("adjustments", "Adjustments")
    goals = Store("goals", "Goals")
    conversations = Store("conversations", "Conversations")
    announcements = Store("announcements", "Announcements")
    report_choices = Store("report_choices", "ReportChoices")

    @cached_property
    def report_books(self) -> ReportBooks:
        from introducer.services.read_report import ReportBooks

        return ReportBooks.of(self.settings.books_table)

    saved_reports = Store("saved_reports", "SavedReports")
    clients = Store("clients", "Clients")

    @cached_property
    def first_books(self) -> FirstBooks:
        """What says how far a new partner is."""
        from introducer.services.read_first_steps import FirstBooks
        from introducer.store.results import Results

        return FirstBooks(
            configuration=self.configuration,
            clients=self.clients,
            results=Results(self.settings.books_table),
            profiles=self.payment_profiles,
        )

    partner_notes = Store("partner_notes", "PartnerNotes")
    joint_proposals = Store("joint_proposals", "JointProposals")
    event_counts = Store("event_counts", "EventCounts")
    campaign_counts = Store("campaign_counts", "CampaignCounts")
    click_counts = Store("click_counts", "ClickCounts")
    idempotency = Store("idempotency", "Idempotency")
    intake_days = Store("intake_days", "IntakeDays")

    @cached_property
    def facts(self) -> Facts:
        from introducer.store.facts import Facts

        return Facts(self.settings.facts_table)

    statements = Store("statements", "Statements")
    settlements = Store("settlements", "Settlements")
    payout_journals = Store("payout_journals", "PayoutJournals")
    invoices = Store("invoices", "Invoices")

    @property
    def fonts(self) -> Path:
        """The folder of the fonts that documents are set in."""
        return Path(self.settings.fonts_folder)

    payment_profiles = Store("payment_profiles", "PaymentProfiles")
    payout_schedules = Store("payout_schedules", "PayoutSchedules")
    verifications = Store("verifications", "Verifications")
    holds = Store("holds", "Holds")

    @cached_property
    def vault(self) -> vault.Vault:
        """Seals payment profiles; the portal's role does not let it open them."""
        from introducer.gateways import vault

        return vault.Vault(vault.new_client(), self.settings.payment_key, random=token_bytes)

    @cached_property
    def lead_vault(self) -> lead_vault.LeadVault:
        """Seals who leads are, and opens it for whoever works them."""
        from introducer.gateways import lead_vault

        return lead_vault.LeadVault(lead_vault.new_client(), self.settings.leads_key, random=token_bytes)

    @cached_property
    def lead_books(self) -> LeadBooks:
        """What leads are taken, worked and shown with."""
        from introducer.services.lead_books import LeadBooks
        from introducer.store.leads import Leads

        return LeadBooks(
            configuration=self.configuration,
            leads=Leads(self.settings.books_table, self.settings.facts_table),
            persons=self.persons,
            clients=self.clients,
            vault=lambda: self.lead_vault,
            brand_key=self.brand_key,
        )

    @cached_property
    def application_vault(self) -> application_vault.ApplicationVault:
        """Seals who applies, and opens it for whoever decides."""
        from introducer.gateways import application_vault

        key = self.settings.leads_key
        return application_vault.ApplicationVault(application_vault.new_client(), key, random=token_bytes)

    @cached_property
    def application_books(self) -> ApplicationBooks:
        """What applications are taken, shown and decided with."""
        from introducer.services.application_books import ApplicationBooks
        from introducer.store.applications import Applications

        return ApplicationBooks(
            configuration=self.configuration,
            applications=Applications(self.settings.books_table),
            persons=self.persons,
            tasks=self.tasks,
            vault=lambda: self.application_vault,
            logins=lambda: self.team_books.logins,
            brand_key=self.brand_key,
            secret=self.identity_secret,
        )

    @cached_property
    def network_books(self) -> NetworkBooks:
        """What a partner's network is read from."""
        from introducer.services.read_network import NetworkBooks

        return NetworkBooks(
            configuration=self.configuration,
            applications=self.application_books.applications,
            event_counts=self.event_counts,
            settlements=self.settlements,
        )

    targets = Store("targets", "Targets")
    """Where partners and the brand are told what happens."""

    deliveries = Store("deliveries", "Deliveries")

    @cached_property
    def target_books(self) -> TargetBooks:
        """What targets are edited with."""
        from introducer.services.edit_targets import TargetBooks

        return TargetBooks(
            configuration=self.configuration,
            targets=self.targets,
            clock=self.now,
            random=token_bytes,
            loopback=self.settings.reaches_loopback,
        )

    def send_postback(self, body: str, delay: int) -> None:
        """Names a delivery to the queue of outbound postbacks."""
        self.postback_queue.send(body, delay)

    @cached_property
    def postback_queue(self) -> Queue:
        return self._queue(self.settings.postback_queue_url)

    pulls = Store("pulls", "Pulls")
    """How fetching sources goes."""

    source_files = Store("source_files", "SourceFiles")

    @cached_property
    def source_secrets(self) -> source_secrets.SourceSecrets:
        from introducer.gateways import source_secrets

        return source_secrets.SourceSecrets(source_secrets.new_client(), self.settings.source_secret_prefix)

    def fetch_source(self, source: str) -> None:
        """Names a source to the queue of those that are to be fetched, though it is not due."""
        self._queue(self.settings.pull_queue_url).send(json.dumps({"source": source, "asked": True}))

    def read_source_file(self, key: str, version: str) -> None:
        """Names a platform's file to the queue of those that are to be read."""
        self._queue(self.settings.source_files_queue_url).send(json.dumps({"key": key, "version": version}))

    @staticmethod
    def _queue(url: str) -> Queue:
        import boto3  # few pages send anything

        from introducer.gateways.queue import Queue
        from introducer.gateways.secrets import CONFIG

        return Queue(boto3.client("sqs", config=CONFIG), url)

    @cached_property
    def documents(self) -> documents.Documents:
        from introducer.gateways import documents

        return documents.Documents(documents.new_client(), self.settings.documents_bucket)

    materials = Store("materials", "Materials")

    @cached_property
    def pictures(self) -> pictures.Pictures:
        """Pictures of materials; they lie beside the documents."""
        from introducer.gateways import documents, pictures

        return pictures.Pictures(documents.new_client(), self.settings.documents_bucket)

    @cached_property
    def contracts(self) -> ContractReader:
        """What settling a month looks at; no click is read here."""
        from introducer.services.read_contracts import ContractReader
        from introducer.store.rates import RateStore

        rates = RateStore(self.settings.books_table)
        return ContractReader(self.configuration, rates, dict, self.elapsed, lambda: day_of(self.now()))

    @cached_property
    def closes(self) -> workflows.Workflows:
        """The executions that close months."""
        from introducer.gateways import workflows

        return workflows.Workflows(workflows.new_client(), self.settings.period_close_machine)

    payouts = Store("payouts", "Payouts")
    reservations = Store("reservations", "Reservations")

    @cached_property
    def runs(self) -> workflows.Workflows:
        """The executions that pay."""
        from introducer.gateways import workflows

        return workflows.Workflows(workflows.new_client(), self.settings.payout_run_machine)

    def wake(self, token: str, output: Mapping[str, str]) -> bool:
        """Wakes the execution that waits with this token; whether it did."""
        from introducer.gateways import workflows

        return workflows.answer(workflows.new_client(), token, output)

    cases = Store("cases", "Cases")
    tasks = Store("tasks", "Tasks")
    rates = Store("rates", "RateStore")

    @cached_property
    def case_books(self) -> CaseBooks:
        """What cases are kept in, and what says which money is in question."""
        from introducer.services.case_books import CaseBooks
        from introducer.store.scorings import Scorings

        return CaseBooks(
            configuration=self.configuration,
            cases=self.cases,
            scorings=Scorings(self.settings.books_table),
            ledger=self.ledger,
            clients=self.clients,
            payouts=self.payouts,
            settlements=self.settlements,
            holds=self.holds,
            facts=self.facts,
            contracts=self.contracts,
        )

    def start_case(self, name: str, given: Mapping[str, str]) -> str:
        """Starts the execution that walks a case; the name that it really has."""
        from introducer.gateways import workflows

        return workflows.Workflows(workflows.new_client(), self.settings.fraud_case_machine).start(name, given).name

    @cached_property
    def contest_books(self) -> ContestBooks:
        """What contests are planned, joined, shown and decided with."""
        from introducer.services.contest_books import ContestBooks

        return ContestBooks.of(
            self.settings.facts_table,
            self.settings.books_table,
            elapsed=self.elapsed,
            today=lambda: day_of(self.now()),
        )

    def start_contest(self, name: str, given: Mapping[str, str]) -> str:
        """Starts the execution that walks a contest; the name that it really has."""
        from introducer.gateways import workflows

        return workflows.Workflows(workflows.new_client(), self.settings.contest_close_machine).start(name, given).name

    @cached_property
    def broadcast_books(self) -> BroadcastBooks:
        """What segments choose from, and broadcasts are kept in and told by."""
        from introducer.services.broadcast_books import BroadcastBooks

        return BroadcastBooks.of(self.settings.books_table)

    def start_broadcast(self, name: str, given: Mapping[str, str]) -> str:
        """Starts the execution that sends a broadcast; the name that it really has."""
        from introducer.gateways import workflows

        return workflows.Workflows(workflows.new_client(), self.settings.broadcast_machine).start(name, given).name

    @cached_property
    def clockwork(self) -> schedules.Schedules:
        """What starts payout runs on time."""
        from introducer.gateways import schedules

        return schedules.Schedules(
            schedules.new_client(),
            group=self.settings.payout_schedule_group,
            role=self.settings.payout_schedule_role,
            machine=self.settings.payout_run_machine,
        )

    @cached_property
    def sent_files(self) -> SentFiles:
        """What was handed to banks; the portal reads it alone."""
        from introducer.gateways import documents
        from introducer.gateways.rails.files import SentFiles

        return SentFiles(documents.new_client(), self.settings.sent_files_bucket)

    @cached_property
    def identity(self) -> identity.Identity:
        from introducer.gateways import identity

        return identity.Identity(identity.new_client(), client_id=self.settings.user_pool_client_id)

    api_key_uses = Store("api_key_uses", "ApiKeyUses")

    @cached_property
    def limits(self) -> Limits:
        """How many requests keys and members may send."""
        return Limits(self.settings, lambda: self.api_key_uses, self.elapsed)

    @cached_property
    def team_books(self) -> TeamBooks:
        """What teams are changed with."""
        from introducer.gateways import user_pool
        from introducer.gateways.user_pool import UserPool
        from introducer.services.team import TeamBooks

        return TeamBooks(self.configuration, UserPool(user_pool.new_client(), self.settings.user_pool_id))

    @cached_property
    def authenticator(self) -> Authenticator:
        from introducer.gateways import identity

        return Authenticator(
            PublicKeys(lambda: identity.public_keys(self.settings.jwks_url)),
            issuer=issuer_of(self.settings.user_pool_id),
            client_id=self.settings.user_pool_client_id,
        )

    @cached_property
    def moves(self) -> Moves:
        from introducer.store.moves import Moves

        return Moves(self.settings.facts_table, self.settings.books_table)

    persons = Store("person_index", "PersonIndex")
    member_mails = Store("mail_preferences", "MemberMails")
    """What members want by mail."""

    mails = Store("mails", "Mails")
    suppressions = Store("suppressions", "Suppressions")

    def identity_secret(self) -> bytes:
        """The secret behind all keyed hashes."""
        return self.secrets.text(self.settings.identity_key_secret).encode()

    @cached_property
    def onboarding_books(self) -> OnboardingBooks:
        """What new partners are written, and how far they are."""
        from introducer.services.onboarding_books import OnboardingBooks

        return OnboardingBooks.of(self.settings.books_table)

    @cached_property
    def partner_books(self) -> PartnerBooks:
        """What one page about a partner is read from."""
        from introducer.services.read_partner import PartnerBooks

        return PartnerBooks.of(self.settings.books_table)

    audit_chain = Store("audit_chain", "AuditChain")

    @cached_property
    def shelves(self) -> Shelves:
        """All that a dossier is read from."""
        from introducer.services.read_dossier import Shelves

        return Shelves(self.settings.facts_table, self.settings.books_table)

    @cached_property
    def secrets(self) -> Secrets:
        import boto3  # most pages need no secret

        from introducer.gateways.secrets import Secrets

        return Secrets(boto3.client("secretsmanager"), elapsed=self.elapsed)

    def brand_key(self, brand: str) -> bytes:
        """What the brand's people are hashed under."""
        return brand_key(self.identity_secret(), brand)

    @cached_property
    def cursors(self) -> Cursors:
        # Only lists with a next page need it.
        return Cursors(self.secrets.text(self.settings.edge_secret).encode())


portal = Portal(settings, clock.now, clock.true_now, clock.elapsed)
"""This process's."""
