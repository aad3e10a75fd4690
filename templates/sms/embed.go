// Package smstemplates holds the texts of SMS, one file for each kind of message
// and language. A kind without a file is not sent by SMS. The texts use the
// characters of GSM 03.38 only, so that a short one is one segment of 160.
package smstemplates

import "embed"

// FS holds the files.
//
//go:embed *.txt
var FS embed.FS
