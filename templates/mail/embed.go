// Package mailtemplates holds the words of the mails, one file for each kind
// and language. The first line is the subject; paragraphs are set apart by
// empty lines; indented lines stand out. The HTML part is made of the same
// text, in frame.html.
package mailtemplates

import "embed"

// FS holds the files.
//
//go:embed *.txt frame.html
var FS embed.FS
