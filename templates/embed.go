// Package templates holds the pages: layout.html is the frame, partials.html
// what several pages share, and each other file one page.
package templates

import "embed"

// FS holds the files.
//
//go:embed *.html
var FS embed.FS
