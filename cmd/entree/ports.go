package main

import (
	"entree/internal/activation"
	"entree/internal/campaign"
	"entree/internal/jobs"
	"entree/portal/web"
)

// ports are the ways in which an activation reaches what is outside of it: at
// each of them a crash may come before or behind.
type ports struct {
	store    activation.Store
	limits   activation.Limits
	accounts activation.Accounts
	hasher   activation.Hasher
	mailer   activation.Mailer
	queue    jobs.Queue
	sessions web.SessionRows
	// What operators and relying parties wait for.
	campaigns campaign.Store
}
