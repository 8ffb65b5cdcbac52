"""The portal: every page is also the API. Routes are in `pages`; how they are answered is in `server`."""

from __future__ import annotations

import pages.adjustments
import pages.api
import pages.api_keys
import pages.apply
import pages.bank_files
import pages.campaigns
import pages.cases
import pages.clicks
import pages.clients
import pages.codes
import pages.contests
import pages.contests_public
import pages.deal
import pages.deal_proposal
import pages.desk
import pages.desk_announcements
import pages.desk_applications
import pages.desk_attribution
import pages.desk_audit
import pages.desk_broadcasts
import pages.desk_campaigns
import pages.desk_cases
import pages.desk_clients
import pages.desk_codes
import pages.desk_contest_design
import pages.desk_contest_result
import pages.desk_contests
import pages.desk_deals
import pages.desk_evidence
import pages.desk_goals
import pages.desk_joint_proposals
import pages.desk_leads
import pages.desk_materials
import pages.desk_messages
import pages.desk_partner
import pages.desk_partners
import pages.desk_partners_bulk
import pages.desk_reports
import pages.desk_segments
import pages.desk_sequences
import pages.desk_settings
import pages.desk_sources
import pages.desk_tasks
import pages.desk_unsent
import pages.earnings
import pages.goals
import pages.invoices
import pages.lead_form
import pages.leads
import pages.link
import pages.links
import pages.mail_settings
import pages.messages
import pages.month
import pages.network
import pages.parents
import pages.payees
import pages.payment
import pages.payout_schedules
import pages.payouts
import pages.pictures
import pages.postbacks
import pages.preferences
import pages.report_letter
import pages.reports
import pages.runs
import pages.settings
import pages.sign_in
import pages.standing
import pages.statements
import pages.static_files
import pages.team
import pages.unsubscribe
import pages.verification  # noqa: F401 (importing a page module registers its routes)
import places
import server
from adapter import adapted

from introducer.runtime.problems import answering

places.open_for(server.app.routes)
handler = answering(server.CHALLENGE)(adapted(server.app))
