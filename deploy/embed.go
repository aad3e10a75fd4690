// Package deploy holds what an installation begins with: the sample
// configuration and a charter to start from.
package deploy

import "embed"

// FS holds the files.
//
//go:embed entree.sample.yaml charter/*.md
var FS embed.FS
