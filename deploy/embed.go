// Package deploy holds what an installation begins with: the sample
// configuration, a charter to start from and the theme of the login page.
package deploy

import "embed"

// FS holds the files.
//
//go:embed entree.sample.yaml charter/*.md keycloak/themes
var FS embed.FS
