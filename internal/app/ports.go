package app

import (
	"entree/internal/campaign"
	"entree/internal/domain"
	"entree/internal/jobs"
	"entree/portal/web"
)

// ports are the ways in which an activation reaches what is outside of it: at
// each of them a crash may come before or behind.
type ports struct {
	store    domain.Store
	limits   domain.Limits
	accounts domain.Accounts
	hasher   domain.Hasher
	mailer   domain.Mailer
	queue    jobs.Queue
	sessions web.SessionRows
	// What operators and relying parties wait for.
	campaigns campaign.Store
}
