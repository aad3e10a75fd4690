package app

import (
	"entree/internal/campaign"
	"entree/internal/domain"
	"entree/internal/jobs"
	"entree/portal/web"
)

// ports are the interfaces through which the services reach the adapters. Builds
// with failpoints can end the process before and after each call.
type ports struct {
	store     domain.Store
	limits    domain.Limits
	accounts  domain.Accounts
	hasher    domain.Hasher
	notifier  domain.Notifier
	queue     jobs.Queue
	sessions  web.SessionRows
	campaigns campaign.Store
}
