// Package templates holds the pages: layout.html is the frame, partials.html
// what several pages share, and each other file one page. admin/ holds the
// console's, made the same way.
package templates

import "embed"

// FS holds the files.
//
//go:embed *.html admin/*.html
var FS embed.FS
