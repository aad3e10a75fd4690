package sms

import (
	"strings"
	"unicode/utf16"
)

// basic is the default alphabet of GSM 03.38: the index of a character is its code.
// Code 27 introduces a character of the extension table.
var basic = []rune("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")

// extended maps the characters of the extension table to their code after code 27.
var extended = map[rune]byte{'\f': 10, '^': 20, '{': 40, '}': 41, '\\': 47, '[': 60, '~': 61, ']': 62, '|': 64, '€': 101}

var codes = func() map[rune]byte {
	m := make(map[rune]byte, len(basic))
	for code, r := range basic {
		if r != 27 {
			m[r] = byte(code)
		}
	}
	return m
}()

// Sizes of a segment: 140 octets, of which the header of a concatenated text takes 6.
const (
	oneGSM, partGSM = 160, 153 // septets
	oneUCS, partUCS = 140, 134 // octets
)

// segment is the content of one submit_sm.
type segment struct {
	coding byte // data_coding: 0 for the default alphabet, 8 for UCS-2
	data   []byte
}

// gsm returns a text in the default alphabet, one octet per septet, and false if a
// character is not part of it.
func gsm(s string) ([]byte, bool) {
	var out []byte
	for _, r := range s {
		if code, ok := codes[r]; ok {
			out = append(out, code)
		} else if code, ok := extended[r]; ok {
			out = append(out, 27, code)
		} else {
			return nil, false
		}
	}
	return out, true
}

// segments returns a text in as few segments as it needs, without the header of
// concatenation. A character is never divided.
func segments(s string) (parts []segment) {
	if data, ok := gsm(s); ok {
		for _, part := range divide(data, oneGSM, partGSM, func(d []byte, cut int) bool { return d[cut-1] == 27 }) {
			parts = append(parts, segment{0, part})
		}
		return parts
	}
	var data []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		data = append(data, byte(unit>>8), byte(unit))
	}
	for _, part := range divide(data, oneUCS, partUCS, func(d []byte, cut int) bool { return d[cut-2]&0xfc == 0xd8 }) {
		parts = append(parts, segment{8, part})
	}
	return parts
}

// divide cuts data into pieces of at most part octets, or one piece of at most one.
// splits reports whether a cut would divide a character of two units.
func divide(data []byte, one, part int, splits func(d []byte, cut int) bool) (parts [][]byte) {
	if len(data) <= one {
		return [][]byte{data}
	}
	unit := 1
	if part%2 == 0 {
		unit = 2
	}
	for len(data) > part {
		cut := part
		if splits(data, cut) {
			cut -= unit
		}
		parts, data = append(parts, data[:cut]), data[cut:]
	}
	return append(parts, data)
}

// Segments returns the number of SMS that a text is charged as.
func Segments(s string) int { return len(segments(s)) }

// masked returns words of a gateway without digits, which may be a number or a code.
func masked(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return '#'
		case r < ' ':
			return ' '
		}
		return r
	}, s)
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "")
	}
	return s
}
