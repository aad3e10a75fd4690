package keycloak

// WithPage returns the accounts with a page of n accounts for Each.
func (c *Accounts) WithPage(n int) *Accounts {
	with := *c
	with.page = n
	return &with
}
