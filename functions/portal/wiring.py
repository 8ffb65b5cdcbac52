"""What the pages work with, built once per process when the first request comes."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from secrets import token_bytes

from cursors import Cursors
from limits import Limits

from introducer.domain.events import day_of
from introducer.domain.identity import brand_key
from introducer.gateways import (
    application_vault,
    documents,
    identity,
    lead_vault,
    pictures,
    schedules,
    source_secrets,
    user_pool,
    vault,
    workflows,
)
from introducer.gateways.queue import Queue
from introducer.gateways.rails.files import SentFiles
from introducer.gateways.secrets import CONFIG, Secrets
from introducer.gateways.user_pool import UserPool
from introducer.runtime.authentication import Authenticator, PublicKeys, issuer_of
from introducer.runtime.clock import clock
from introducer.runtime.settings import Settings, settings
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
from introducer.store.adjustments import Adjustments
from introducer.store.announcements import Announcements
from introducer.store.api_key_uses import ApiKeyUses
from introducer.store.applications import Applications
from introducer.store.audit_chain import AuditChain
from introducer.store.campaign_counts import CampaignCounts
from introducer.store.cases import Cases
from introducer.store.click_counts import ClickCounts
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.conversations import Conversations
from introducer.store.deliveries import Deliveries
from introducer.store.event_counts import EventCounts
from introducer.store.facts import Facts
from introducer.store.goals import Goals
from introducer.store.holds import Holds
from introducer.store.idempotency import Idempotency
from introducer.store.intake_days import IntakeDays
from introducer.store.invoices import Invoices
from introducer.store.joint_proposals import JointProposals
from introducer.store.leads import Leads
from introducer.store.ledger import Ledger
from introducer.store.mail_preferences import MemberMails
from introducer.store.mails import Mails
from introducer.store.materials import Materials
from introducer.store.moves import Moves
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.payout_journals import PayoutJournals
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.payouts import Payouts
from introducer.store.person_index import PersonIndex
from introducer.store.pulls import Pulls
from introducer.store.rates import RateStore
from introducer.store.report_choices import ReportChoices
from introducer.store.reservations import Reservations
from introducer.store.results import Results
from introducer.store.saved_reports import SavedReports
from introducer.store.scorings import Scorings
from introducer.store.settlements import Settlements
from introducer.store.source_files import SourceFiles
from introducer.store.statements import Statements
from introducer.store.suppressions import Suppressions
from introducer.store.targets import Targets
from introducer.store.tasks import Tasks
from introducer.store.verifications import Verifications


def full_jitter(attempt: int) -> None:
    """Waits before the n-th new try: the engine may be posting to the same balance, and must not be met again."""
    time.sleep(random.uniform(0, 0.02 * 2**attempt))


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

    @cached_property
    def configuration(self) -> Configuration:
        return Configuration(self.settings.books_table)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.settings.books_table)

    @cached_property
    def adjustments(self) -> Adjustments:
        return Adjustments(self.settings.books_table)

    @cached_property
    def goals(self) -> Goals:
        return Goals(self.settings.books_table)

    @cached_property
    def conversations(self) -> Conversations:
        return Conversations(self.settings.books_table)

    @cached_property
    def announcements(self) -> Announcements:
        return Announcements(self.settings.books_table)

    @cached_property
    def report_choices(self) -> ReportChoices:
        return ReportChoices(self.settings.books_table)

    @cached_property
    def report_books(self) -> ReportBooks:
        return ReportBooks.of(self.settings.books_table)

    @cached_property
    def saved_reports(self) -> SavedReports:
        return SavedReports(self.settings.books_table)

    @cached_property
    def clients(self) -> Clients:
        return Clients(self.settings.books_table)

    @cached_property
    def first_books(self) -> FirstBooks:
        """What says how far a new partner is."""
        return FirstBooks(
            configuration=self.configuration,
            clients=self.clients,
            results=Results(self.settings.books_table),
            profiles=self.payment_profiles,
        )

    @cached_property
    def joint_proposals(self) -> JointProposals:
        return JointProposals(self.settings.books_table)

    @cached_property
    def event_counts(self) -> EventCounts:
        return EventCounts(self.settings.books_table)

    @cached_property
    def campaign_counts(self) -> CampaignCounts:
        return CampaignCounts(self.settings.books_table)

    @cached_property
    def click_counts(self) -> ClickCounts:
        return ClickCounts(self.settings.books_table)

    @cached_property
    def idempotency(self) -> Idempotency:
        return Idempotency(self.settings.books_table)

    @cached_property
    def intake_days(self) -> IntakeDays:
        return IntakeDays(self.settings.books_table)

    @cached_property
    def facts(self) -> Facts:
        return Facts(self.settings.facts_table)

    @cached_property
    def statements(self) -> Statements:
        return Statements(self.settings.books_table)

    @cached_property
    def settlements(self) -> Settlements:
        return Settlements(self.settings.books_table)

    @cached_property
    def payout_journals(self) -> PayoutJournals:
        return PayoutJournals(self.settings.books_table)

    @cached_property
    def invoices(self) -> Invoices:
        return Invoices(self.settings.books_table)

    @property
    def fonts(self) -> Path:
        """The folder of the fonts that documents are set in."""
        return Path(self.settings.fonts_folder)

    @cached_property
    def payment_profiles(self) -> PaymentProfiles:
        return PaymentProfiles(self.settings.books_table)

    @cached_property
    def payout_schedules(self) -> PayoutSchedules:
        return PayoutSchedules(self.settings.books_table)

    @cached_property
    def verifications(self) -> Verifications:
        return Verifications(self.settings.books_table)

    @cached_property
    def holds(self) -> Holds:
        return Holds(self.settings.books_table)

    @cached_property
    def vault(self) -> vault.Vault:
        """Seals payment profiles; the portal's role does not let it open them."""
        return vault.Vault(vault.new_client(), self.settings.payment_key, random=token_bytes)

    @cached_property
    def lead_vault(self) -> lead_vault.LeadVault:
        """Seals who leads are, and opens it for whoever works them."""
        return lead_vault.LeadVault(lead_vault.new_client(), self.settings.leads_key, random=token_bytes)

    @cached_property
    def lead_books(self) -> LeadBooks:
        """What leads are taken, worked and shown with."""
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
        key = self.settings.leads_key
        return application_vault.ApplicationVault(application_vault.new_client(), key, random=token_bytes)

    @cached_property
    def application_books(self) -> ApplicationBooks:
        """What applications are taken, shown and decided with."""
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
        return NetworkBooks(
            configuration=self.configuration,
            applications=self.application_books.applications,
            event_counts=self.event_counts,
            settlements=self.settlements,
        )

    @cached_property
    def targets(self) -> Targets:
        """Where partners and the brand are told what happens."""
        return Targets(self.settings.books_table)

    @cached_property
    def deliveries(self) -> Deliveries:
        return Deliveries(self.settings.books_table)

    @cached_property
    def target_books(self) -> TargetBooks:
        """What targets are edited with."""
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

    @cached_property
    def pulls(self) -> Pulls:
        """How fetching sources goes."""
        return Pulls(self.settings.books_table)

    @cached_property
    def source_files(self) -> SourceFiles:
        return SourceFiles(self.settings.books_table)

    @cached_property
    def source_secrets(self) -> source_secrets.SourceSecrets:
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

        return Queue(boto3.client("sqs", config=CONFIG), url)

    @cached_property
    def documents(self) -> documents.Documents:
        return documents.Documents(documents.new_client(), self.settings.documents_bucket)

    @cached_property
    def materials(self) -> Materials:
        return Materials(self.settings.books_table)

    @cached_property
    def pictures(self) -> pictures.Pictures:
        """Pictures of materials; they lie beside the documents."""
        return pictures.Pictures(documents.new_client(), self.settings.documents_bucket)

    @cached_property
    def contracts(self) -> ContractReader:
        """What settling a month looks at; no click is read here."""
        rates = RateStore(self.settings.books_table)
        return ContractReader(self.configuration, rates, dict, self.elapsed, lambda: day_of(self.now()))

    @cached_property
    def closes(self) -> workflows.Workflows:
        """The executions that close months."""
        return workflows.Workflows(workflows.new_client(), self.settings.period_close_machine)

    @cached_property
    def payouts(self) -> Payouts:
        return Payouts(self.settings.books_table)

    @cached_property
    def reservations(self) -> Reservations:
        return Reservations(self.settings.books_table)

    @cached_property
    def runs(self) -> workflows.Workflows:
        """The executions that pay."""
        return workflows.Workflows(workflows.new_client(), self.settings.payout_run_machine)

    def wake(self, token: str, output: Mapping[str, str]) -> bool:
        """Wakes the execution that waits with this token; whether it did."""
        return workflows.answer(workflows.new_client(), token, output)

    @cached_property
    def cases(self) -> Cases:
        return Cases(self.settings.books_table)

    @cached_property
    def tasks(self) -> Tasks:
        return Tasks(self.settings.books_table)

    @cached_property
    def rates(self) -> RateStore:
        return RateStore(self.settings.books_table)

    @cached_property
    def case_books(self) -> CaseBooks:
        """What cases are kept in, and what says which money is in question."""
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
        return workflows.Workflows(workflows.new_client(), self.settings.fraud_case_machine).start(name, given).name

    @cached_property
    def contest_books(self) -> ContestBooks:
        """What contests are planned, joined, shown and decided with."""
        return ContestBooks.of(
            self.settings.facts_table,
            self.settings.books_table,
            elapsed=self.elapsed,
            today=lambda: day_of(self.now()),
        )

    def start_contest(self, name: str, given: Mapping[str, str]) -> str:
        """Starts the execution that walks a contest; the name that it really has."""
        return workflows.Workflows(workflows.new_client(), self.settings.contest_close_machine).start(name, given).name

    @cached_property
    def broadcast_books(self) -> BroadcastBooks:
        """What segments choose from, and broadcasts are kept in and told by."""
        return BroadcastBooks.of(self.settings.books_table)

    def start_broadcast(self, name: str, given: Mapping[str, str]) -> str:
        """Starts the execution that sends a broadcast; the name that it really has."""
        return workflows.Workflows(workflows.new_client(), self.settings.broadcast_machine).start(name, given).name

    @cached_property
    def clockwork(self) -> schedules.Schedules:
        """What starts payout runs on time."""
        return schedules.Schedules(
            schedules.new_client(),
            group=self.settings.payout_schedule_group,
            role=self.settings.payout_schedule_role,
            machine=self.settings.payout_run_machine,
        )

    @cached_property
    def sent_files(self) -> SentFiles:
        """What was handed to banks; the portal reads it alone."""
        return SentFiles(documents.new_client(), self.settings.sent_files_bucket)

    @cached_property
    def identity(self) -> identity.Identity:
        return identity.Identity(identity.new_client(), client_id=self.settings.user_pool_client_id)

    @cached_property
    def api_key_uses(self) -> ApiKeyUses:
        return ApiKeyUses(self.settings.books_table)

    @cached_property
    def limits(self) -> Limits:
        """How many requests keys and members may send."""
        return Limits(self.settings, lambda: self.api_key_uses, self.elapsed)

    @cached_property
    def team_books(self) -> TeamBooks:
        """What teams are changed with."""
        return TeamBooks(self.configuration, UserPool(user_pool.new_client(), self.settings.user_pool_id))

    @cached_property
    def authenticator(self) -> Authenticator:
        return Authenticator(
            PublicKeys(lambda: identity.public_keys(self.settings.jwks_url)),
            issuer=issuer_of(self.settings.user_pool_id),
            client_id=self.settings.user_pool_client_id,
        )

    @cached_property
    def moves(self) -> Moves:
        return Moves(self.settings.facts_table, self.settings.books_table)

    @cached_property
    def persons(self) -> PersonIndex:
        return PersonIndex(self.settings.books_table)

    @cached_property
    def member_mails(self) -> MemberMails:
        """What members want by mail."""
        return MemberMails(self.settings.books_table)

    @cached_property
    def mails(self) -> Mails:
        return Mails(self.settings.books_table)

    @cached_property
    def suppressions(self) -> Suppressions:
        return Suppressions(self.settings.books_table)

    def identity_secret(self) -> bytes:
        """The secret behind all keyed hashes."""
        return self.secrets.text(self.settings.identity_key_secret).encode()

    @cached_property
    def onboarding_books(self) -> OnboardingBooks:
        """What new partners are written, and how far they are."""
        return OnboardingBooks.of(self.settings.books_table)

    @cached_property
    def partner_books(self) -> PartnerBooks:
        """What one page about a partner is read from."""
        return PartnerBooks.of(self.settings.books_table)

    @cached_property
    def audit_chain(self) -> AuditChain:
        return AuditChain(self.settings.books_table)

    @cached_property
    def shelves(self) -> Shelves:
        """All that a dossier is read from."""
        return Shelves(self.settings.facts_table, self.settings.books_table)

    @cached_property
    def secrets(self) -> Secrets:
        import boto3  # most pages need no secret

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
