package bounce

import (
	"bytes"
	"encoding/base64"
	"html"
	"io"
	"mime"
	"mime/quotedprintable"
	"regexp"
	"strings"

	"github.com/emersion/go-message/charset"
)

// Limits of one message. Content beyond a limit is ignored, never an error.
const (
	maxMessage = 1 << 20
	maxHeader  = 256 << 10
	maxFields  = 1000
	maxNotice  = 64 << 10
	maxWords   = 4 << 10 // of the words that are judged
	maxParts   = 50
	maxDepth   = 5
	maxGroups  = 50 // recipients of one report
)

// field is one header field. Its name is in lower case.
type field struct{ name, value string }

type fields []field

// get returns the first value of a field, and "" if there is none.
func (f fields) get(name string) string {
	for _, one := range f {
		if one.name == name {
			return one.value
		}
	}
	return ""
}

// part is one leaf of a MIME tree, decoded to UTF-8 text.
type part struct {
	kind   string // "text/plain"
	header fields
	text   string
}

// parseFields parses header fields up to the first empty line and returns the
// text behind it. Unlike net/mail it accepts what mail systems really write: a
// line that is no field is skipped, and a parameter that was wrapped without
// indentation belongs to the field before it.
func parseFields(text string) (out fields, rest string) {
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		switch line = strings.TrimRight(line, " \t\r"); {
		case line == "":
			return out, text
		case line[0] == ' ' || line[0] == '\t' || len(out) > 0 && strings.HasSuffix(out[len(out)-1].value, ";") && parameter.MatchString(line):
			if len(out) > 0 && len(out[len(out)-1].value) < maxHeader {
				last := &out[len(out)-1]
				last.value = strings.TrimSpace(last.value + " " + strings.TrimSpace(line))
			}
		default:
			name, value, found := strings.Cut(line, ":")
			name = strings.TrimRight(name, " \t")
			if found && fieldName.MatchString(name) && len(out) < maxFields {
				out = append(out, field{strings.ToLower(name), strings.TrimSpace(value)})
			}
		}
	}
	return out, ""
}

var (
	fieldName = regexp.MustCompile(`^[A-Za-z0-9][!-9;-~]*$`)
	parameter = regexp.MustCompile(`^[a-z]+="?[^ ]`)
	boundary  = regexp.MustCompile(`(?i)[;\s]boundary\s*=\s*(?:"([^"]*)"|([^;\s]+))`)
	encoding  = regexp.MustCompile(`(?i)[;\s]charset\s*=\s*"?([^";\s]+)`)
	// finalRecipient begins a recipient's fields in a report.
	finalRecipient = regexp.MustCompile(`(?im)^final-recipient\s*:`)
	opening        = regexp.MustCompile(`(?m)^--([^\s-][^\r\n]{5,}?)[ \t]*\n(?:Content-|\n)`)
	tags           = regexp.MustCompile(`(?is)<(style|script|head)\b.*?</(?:style|script|head)>|<[^>@]*>|<[a-zA-Z][a-zA-Z0-9]*\s[^>]*>`)
	breaks         = regexp.MustCompile(`(?i)<(br|p|div|tr|li|h\d)\b[^>]*>`)
)

// tree collects the leaves of a message.
type tree struct{ parts []part }

// parseMessage returns the header of a message and its leaves. The line with
// which an mbox begins each mail is skipped. A returned message is a leaf.
func parseMessage(raw []byte) (fields, []part) {
	text := strings.ReplaceAll(string(raw[:min(len(raw), maxMessage)]), "\r\n", "\n")
	text = strings.TrimLeft(strings.ReplaceAll(text, "\r", "\n"), "\n")
	for strings.HasPrefix(text, "From ") || strings.HasPrefix(text, ">From ") {
		_, text, _ = strings.Cut(text, "\n")
	}
	header, body := parseFields(text)
	var t tree
	t.add(header, body, 0)
	return header, t.parts
}

func (t *tree) add(header fields, body string, depth int) {
	if len(t.parts) >= maxParts || depth > maxDepth {
		return
	}
	content := header.get("content-type")
	kind, _, _ := strings.Cut(content, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	mark := ""
	if m := boundary.FindStringSubmatch(content); m != nil {
		mark = m[1] + m[2]
	} else if strings.HasPrefix(kind, "multipart/") {
		if m := opening.FindStringSubmatch(body); m != nil {
			mark = m[1]
		}
	}
	if mark != "" {
		if pieces := split(body, mark); len(pieces) > 0 {
			for _, piece := range pieces {
				inner, text := parseFields(piece)
				t.add(inner, text, depth+1)
			}
			return
		}
		kind = "text/plain" // announced parts that never begin
	}
	if kind == "" || strings.HasPrefix(kind, "multipart/") {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "application/") { // a report whose type was lost on its way
		if text := decode(body, header.get("content-transfer-encoding"), content); finalRecipient.MatchString(text[:min(len(text), maxNotice)]) {
			t.parts = append(t.parts, part{"message/delivery-status", header, text})
		}
	}
	if strings.HasPrefix(kind, "text/") || strings.HasPrefix(kind, "message/") {
		text := decode(body, header.get("content-transfer-encoding"), content)
		if kind == "text/html" {
			text = html.UnescapeString(tags.ReplaceAllString(breaks.ReplaceAllString(text, "\n"), " "))
		}
		t.parts = append(t.parts, part{kind, header, text})
	}
}

// split cuts a body at its boundary lines. The closing one may be missing.
func split(body, mark string) (pieces []string) {
	begin := -1
	for at := 0; at < len(body) && len(pieces) <= maxParts; {
		end := len(body)
		if i := strings.IndexByte(body[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		line := strings.Trim(body[at:end], " \t\n")
		if rest, found := strings.CutPrefix(line, "--"+mark); found && (rest == "" || rest == "--") {
			if begin >= 0 {
				pieces = append(pieces, body[begin:at])
			}
			if begin = end; rest == "--" {
				return pieces
			}
		}
		at = end
	}
	if begin >= 0 && begin < len(body) {
		pieces = append(pieces, body[begin:])
	}
	return pieces
}

// decode undoes the transfer encoding and the charset. Text that violates its
// encoding is kept as it stands.
func decode(body, transfer, content string) string {
	switch strings.ToLower(strings.TrimSpace(transfer)) {
	case "quoted-printable":
		if plain, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body))); err == nil {
			body = string(plain)
		}
	case "base64":
		clean := strings.Join(strings.Fields(body), "")
		if plain, err := base64.StdEncoding.DecodeString(clean[:len(clean)/4*4]); err == nil {
			body = strings.ReplaceAll(string(plain), "\r\n", "\n")
		}
	}
	if m := encoding.FindStringSubmatch(content); m != nil {
		if r, err := charset.Reader(strings.ToLower(m[1]), strings.NewReader(body)); err == nil {
			if plain, err := io.ReadAll(io.LimitReader(r, 4*maxMessage)); err == nil {
				body = string(plain)
			}
		}
	}
	return strings.ReplaceAll(strings.ToValidUTF8(body, "\uFFFD"), "\r\n", "\n")
}

// words decodes the encoded words of a header field.
func words(value string) string {
	d := mime.WordDecoder{CharsetReader: charset.Reader}
	if plain, err := d.DecodeHeader(value); err == nil {
		return plain
	}
	return value
}

// SplitMbox returns the mails of an mbox file. A file that does not begin with
// the line "From …" of an mbox is one mail.
func SplitMbox(raw []byte) [][]byte {
	if !mboxLine.Match(raw) {
		return [][]byte{raw}
	}
	var mails [][]byte
	begin := 0
	for _, at := range mboxNext.FindAllIndex(raw, -1) {
		if begins := at[0] + bytes.Index(raw[at[0]:at[1]], []byte("From ")); begins > begin {
			mails = append(mails, raw[begin:begins])
			begin = begins
		}
	}
	return append(mails, raw[begin:])
}

var (
	mboxLine = regexp.MustCompile(`^From [^\r\n]*\d\d:\d\d`)
	mboxNext = regexp.MustCompile(`\n\r?\nFrom [^\r\n]*\d\d:\d\d[^\r\n]*\d{4}[^\r\n]*\r?\n[A-Za-z-]+:`)
)
