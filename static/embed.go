// Package static holds what the pages load: a style sheet and a script for the
// student's pages, one of each for the console, one icon.
package static

import "embed"

// FS holds the files.
//
//go:embed *.css *.js *.svg
var FS embed.FS
