"""Who may do what, written down: what each role holds, and what each route and each command asks
for. Nothing of it is taken from the code: whoever changes a right changes it here as well."""

from __future__ import annotations

from typing import Final

HOLDS: Final = {
    "customer": """
        session.use customers.read
    """,
    "adjuster": """
        session.use interactions.read contacts.read agents.read queues.read customers.read
        customers.all customers.write claims.decide tasks.use workflows.read
    """,
    "agent": """
        session.use desk.use interactions.read contacts.read contacts.write agents.read
        queues.read calls.read recordings.play customers.read customers.all
        customers.write tasks.use workflows.read
    """,
    "supervisor": """
        session.use desk.use interactions.read contacts.read contacts.write agents.read
        agents.manage queues.read queues.manage routing.assign wallboard.read calls.read
        recordings.play recordings.manage demo.control customers.read customers.all
        customers.write portfolios.all claims.decide tasks.use workflows.read
        workflows.manage
    """,
    "admin": """
        session.use desk.use interactions.read contacts.read contacts.write agents.read
        agents.manage queues.read queues.manage routing.assign wallboard.read calls.read
        recordings.play recordings.health recordings.manage demo.control users.manage
        roles.manage audit.read privacy.manage customers.read customers.all
        customers.write portfolios.all claims.decide tasks.use workflows.read
        workflows.manage
    """,
}
HELD: Final = {role: frozenset(words.split()) for role, words in HOLDS.items()}
"""Role → permissions."""

ASKED: Final[dict[str, str]] = {
    "public": """
        POST /auth/2fa/login
        GET /auth/demo-users
        POST /auth/forgot-password
        GET /auth/google
        GET /auth/google/callback
        POST /auth/invitations/accept
        POST /auth/login
        POST /auth/logout
        GET /auth/microsoft
        GET /auth/microsoft/callback
        GET /auth/oidc
        GET /auth/oidc/callback
        GET /auth/providers
        POST /auth/refresh
        POST /auth/register
        POST /auth/reset-password
        POST /auth/verify-email
        GET /chat/config
        POST /chat/conversations
        GET /demo/mailbox
    """,
    "session.use": """
        POST /auth/2fa/disable
        POST /auth/2fa/enable
        POST /auth/2fa/recovery-codes
        POST /auth/2fa/verify
        POST /auth/change-password
        GET /auth/identities
        DELETE /auth/identities/{provider}
        POST /auth/identities/{provider}
        GET /auth/me
        PATCH /auth/me
        DELETE /auth/sessions
        GET /auth/sessions
        DELETE /auth/sessions/{id}
        POST /auth/verify-email/resend
    """,
    "chat.use": """
        GET /chat/conversations/{id}
        POST /chat/conversations/{id}/close
        GET /chat/conversations/{id}/messages
        POST /chat/conversations/{id}/messages
        GET /chat/conversations/{id}/transcript
        /chat call.candidate
        /chat call.consent
        /chat call.dtmf
        /chat call.hangup
        /chat call.ice_servers
        /chat call.offer
        /chat call.start
        /chat chat.close
        /chat chat.message
        /chat chat.read
        /chat chat.typing
        /chat sync
    """,
    "desk.use": """
        POST /agents/status
        POST /calls/initiate
        POST /calls/{id}/accept
        POST /calls/{id}/end
        POST /calls/{id}/hold
        POST /calls/{id}/mute
        POST /calls/{id}/record
        POST /calls/{id}/transfer
        GET /replies
        POST /replies
        DELETE /replies/{id}
        PUT /replies/{id}
        GET /webrtc/ice-servers
        /agent agent.help
        /agent agent.set_status
        /agent call.answer
        /agent call.candidate
        /agent call.conference
        /agent call.consult
        /agent call.consult_cancel
        /agent call.consult_complete
        /agent call.consult_toggle
        /agent call.dial
        /agent call.dtmf
        /agent call.echo_test
        /agent call.hangup
        /agent call.hold
        /agent call.mute
        /agent call.offer
        /agent call.record
        /agent call.reject
        /agent chat.message
        /agent chat.read
        /agent chat.typing
        /agent interaction.close
        /agent interaction.hold
        /agent interaction.pull
        /agent interaction.resume
        /agent interaction.snooze
        /agent interaction.transfer
        /agent interaction.wrap_up
        /agent reservation.accept
        /agent reservation.reject
        /agent sync
    """,
    "interactions.read": """
        GET /conversations/{id}
        GET /conversations/{id}/messages
        GET /interactions
        GET /interactions/{id}
        GET /interactions/{id}/why
    """,
    "contacts.read": """
        GET /contacts/{id}
        GET /contacts/{id}/timeline
    """,
    "contacts.write": """
        PATCH /contacts/{id}
    """,
    "agents.read": """
        GET /agents
        GET /agents/available
        GET /agents/{id}
        GET /agents/{id}/stats
        GET /teams
        GET /handler-deputies
    """,
    "agents.manage": """
        PATCH /agents/{id}
        PATCH /agents/{id}/skills
        POST /agents/{id}/status
        PUT /handler-deputies
    """,
    "queues.read": """
        GET /calendars
        GET /calendars/{key}
        GET /dispositions
        GET /queue
        GET /queues
        GET /queues/{key}
        GET /recording-rules
        GET /skills
    """,
    "queues.manage": """
        POST /calendars
        PUT /calendars/{key}
        POST /dispositions
        PUT /dispositions/{key}
        POST /queues
        PUT /queues/{key}
        PUT /recording-rules/{key}
        POST /skills
        DELETE /skills/{key}
        PUT /skills/{key}
    """,
    "routing.assign": """
        POST /chat/conversations/{id}/assign
        POST /interactions/{id}/transfer
        POST /queue/assign
    """,
    "wallboard.read": """
        GET /analytics/explain
        GET /analytics/intervals
        GET /wallboard
        /wallboard sync
        /wallboard wallboard.subscribe
    """,
    "calls.read": """
        GET /calls
        GET /calls/{id}
        GET /calls/{id}/recordings
        GET /recordings/{id}
    """,
    "recordings.play": """
        GET /recordings/{id}/audio
    """,
    "recordings.manage": """
        DELETE /recordings/{id}
        POST /recordings/{id}/legal-hold
    """,
    "demo.control": """
        GET /demo
        POST /demo/hail
        PUT /demo/traffic
    """,
    "users.manage": """
        GET /roles
        DELETE /teams/{key}
        PUT /teams/{key}
        GET /users
        POST /users/invitations
        GET /users/{id}
        PATCH /users/{id}
        DELETE /users/{id}/2fa
        POST /users/{id}/invitation
        DELETE /users/{id}/sessions
    """,
    "roles.manage": """
        PUT /approval-limits
        DELETE /approval-limits
        POST /roles
        DELETE /roles/{name}
        PUT /roles/{name}
    """,
    "audit.read": """
        GET /audit
        GET /audit/verify
    """,
    "privacy.manage": """
        GET /privacy/requests
        POST /privacy/requests
        GET /privacy/requests/{id}
        GET /privacy/requests/{id}/export
    """,
    "customers.read": """
        GET /claims
        GET /claims/{id}
        GET /claims/{id}/events
        GET /customers
        GET /customers/search
        GET /customers/{id}
        GET /customers/{id}/letters
        GET /customers/{id}/stats
        GET /customers/{id}/timeline
        GET /households/{id}
        GET /policies
        GET /policies/expiring
        GET /policies/search
        GET /policies/{id}
        GET /policies/{id}/coverage
        GET /policies/{id}/receipts
        GET /policies/{id}/versions
        GET /quotes
        GET /quotes/{id}
    """,
    "customers.all": """
        GET /approval-limits
        GET /catastrophes
        GET /contact-rules
        GET /customers/{id}/file
        GET /delegated-authorities
        GET /holidays
        GET /insurers
        GET /interactions/{id}/file
        GET /interactions/{id}/identity
        GET /legal-periods
        POST /premium-lines
        GET /premium-rates
        GET /professionals
        GET /quote-rules
        GET /segment-rules
    """,
    "customers.write": """
        POST /claims
        PATCH /claims/{id}
        PUT /claims/{id}
        POST /claims/{id}/approve
        POST /claims/{id}/assign
        POST /claims/{id}/deny
        POST /claims/{id}/documents
        POST /claims/{id}/notes
        POST /claims/{id}/pay
        POST /claims/{id}/send
        POST /claims/{id}/status
        POST /customer-merges/{id}/undo
        POST /customers
        PATCH /customers/{id}
        PUT /customers/{id}
        GET /customers/{id}/duplicates
        POST /customers/{id}/merge
        POST /customers/{id}/segment
        POST /households
        POST /interactions
        PUT /interactions/{id}/customer
        POST /interactions/{id}/identity
        POST /policies
        PATCH /policies/{id}
        PUT /policies/{id}
        POST /policies/{id}/cancel
        POST /policies/{id}/non-renewal
        POST /policies/{id}/non-renewal/acknowledged
        POST /policies/{id}/non-renewal/sent
        POST /policies/{id}/receipts
        POST /policies/{id}/renew
        POST /policies/{id}/status
        POST /quotes
        POST /quotes/convert
        PATCH /quotes/{id}
        PUT /quotes/{id}
        POST /quotes/{id}/accept
        POST /quotes/{id}/convert
        POST /quotes/{id}/reject
        POST /quotes/{id}/send
        POST /receipts/{id}/claimed
        POST /receipts/{id}/move
        POST /receipts/{id}/settle
        POST /workflows/{id}/execute
        /agent interaction.link
    """,
    "portfolios.all": """
        POST /catastrophes
        POST /catastrophes/{id}/end
        PUT /contact-rules
        DELETE /customers/{id}
        PUT /customers/{id}/user
        GET /privacy/customers
        GET /privacy/customers/{id}/certificate
        PUT /delegated-authorities
        DELETE /delegated-authorities
        GET /exports/customers
        GET /exports/policies
        POST /imports/customers
        POST /imports/customers/preview
        POST /imports/policies
        POST /imports/policies/preview
        PUT /holidays
        DELETE /holidays
        PUT /insurers
        PUT /legal-periods
        DELETE /legal-periods
        PUT /premium-rates
        DELETE /premium-rates
        POST /professionals
        PUT /professionals/{id}
        DELETE /professionals/{id}
        PUT /quote-rules
        PUT /segment-rules
    """,
    "tasks.use": """
        GET /tasks
        POST /tasks
        GET /tasks/due
        GET /tasks/{id}
        PATCH /tasks/{id}
        PUT /tasks/{id}
        POST /tasks/{id}/cancel
        POST /tasks/{id}/complete
    """,
    "workflows.read": """
        GET /workflow-executions/{id}
        GET /workflows
        GET /workflows/{id}
        GET /workflows/{id}/executions
    """,
    "workflows.manage": """
        POST /workflow-executions/{id}/cancel
        POST /workflows
        PATCH /workflows/{id}
        PUT /workflows/{id}
        POST /workflows/{id}/webhook-secret
    """,
}
"""Permission → the routes (under /api/v1) and the socket commands that ask for it."""

NEEDS: Final = {
    line.strip(): permission
    for permission, lines in ASKED.items()
    for line in lines.strip().splitlines()
}
"""Route or command → the permission that it asks for."""
