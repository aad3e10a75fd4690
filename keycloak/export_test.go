package keycloak

import "time"

// At sets the clock by which answers are kept.
func (f *Federated) At(now func() time.Time) *Federated {
	f.now = now
	return f
}

// WithPage returns the accounts with a page of n accounts for Each.
func (c *Accounts) WithPage(n int) *Accounts {
	with := *c
	with.page = n
	return &with
}
