// Package static holds what the pages load: one style sheet, one script, one
// icon.
package static

import "embed"

// FS holds the files.
//
//go:embed *.css *.js *.svg
var FS embed.FS
