// Package deploy holds what an installation begins with: the sample
// configuration, a charter to start from, the theme of the login page, nginx
// before several instances, the rights of the portal in an OpenLDAP, and a unit of
// systemd for each.
package deploy

import "embed"

// FS holds the files.
//
//go:embed entree.sample.yaml charter/*.md apache cas keycloak/themes nginx openldap systemd
var FS embed.FS
