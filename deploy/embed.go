// Package deploy holds the files of an installation: the sample configuration, a
// charter to start from, the theme of the login page, nginx before several
// instances, units of systemd, the rights of the portal in an OpenLDAP, and the
// contents of packages and images.
package deploy

import "embed"

// FS holds the files.
//
//go:embed entree.sample.yaml charter/*.md apache cas keycloak/themes nginx openldap systemd
var FS embed.FS
