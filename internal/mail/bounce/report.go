// Package bounce reads mails that came back: reports of RFC 3464, out of a
// mailbox by IMAP or out of a folder.
//
//	message ── multipart/report? ── its recipients that failed for good
//	        ── the message that it is about ── its Message-ID: ours, to one of
//	           these addresses? ──► told, once
//
// Everything else is passed over: letters of people, absences, delays, reports
// about mails that we did not send. Anybody can write to that mailbox, so
// nothing in it is believed but a Message-ID that carries our own MAC over the
// address. Sizes and depths are bounded.
package bounce

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"regexp"
	"strings"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // reports come in every one
	"github.com/emersion/go-message/mail"

	"entree/internal/domain"
)

// Limits of what is read.
const (
	maxMessage = 1 << 20
	maxParts   = 20
	maxDepth   = 4
	maxGroups  = 50 // recipients of one report
)

// errNoReport says that a message is no report of a delivery that failed.
var errNoReport = errors.New("bounce: no report of a failed delivery")

// report is what a message says of a delivery.
type report struct {
	failed    []failure
	messageID string   // of the mail that came back
	to        []string // its own recipients, where it came along
}

type failure struct {
	status    string // "5.1.1"
	addresses []string
}

// read reads a message.
func read(in io.Reader) (report, error) {
	var r report
	entity, err := message.ReadWithOptions(io.LimitReader(in, maxMessage), &message.ReadOptions{MaxHeaderBytes: 64 << 10})
	if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return r, fmt.Errorf("bounce: %w", err)
	}
	kind, _, _ := entity.Header.ContentType()
	failed := list(entity.Header.Get("X-Failed-Recipients")) // Exim, Gmail
	if kind != "multipart/report" && len(failed) == 0 {
		return r, errNoReport
	}
	parts := 0
	if err := r.walk(entity, 0, &parts); err != nil {
		return r, err
	}
	if len(r.failed) == 0 && len(failed) > 0 {
		r.failed = []failure{{status: "5.0.0", addresses: failed}}
	}
	if len(r.failed) == 0 || r.messageID == "" {
		return r, errNoReport
	}
	return r, nil
}

// walk looks into each part.
func (r *report) walk(e *message.Entity, depth int, parts *int) error {
	if *parts++; *parts > maxParts || depth > maxDepth {
		return errors.New("bounce: too many parts")
	}
	kind, _, _ := e.Header.ContentType()
	if several := e.MultipartReader(); several != nil {
		for {
			part, err := several.NextPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if part == nil {
				return fmt.Errorf("bounce: %w", err)
			}
			if err := r.walk(part, depth+1, parts); err != nil {
				return err
			}
		}
	}
	body, err := io.ReadAll(io.LimitReader(e.Body, maxMessage))
	if err != nil && len(body) == 0 {
		return fmt.Errorf("bounce: %w", err)
	}
	switch kind {
	case "message/delivery-status", "message/global-delivery-status":
		r.groups(body)
	case "message/rfc822", "message/rfc822-headers", "text/rfc822-headers", "message/global", "message/global-headers":
		r.original(body)
	case "text/plain":
		if r.messageID == "" && depth == 0 { // old Exim: the mail stands below, in the text
			if i := bytes.Index(body, []byte("\nMessage-I")); i >= 0 {
				r.original(body[i+1:])
			}
		}
	}
	return nil
}

// groups reads the fields of each recipient (RFC 3464, 2.3); the first group is
// about the message.
func (r *report) groups(body []byte) {
	body = bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))
	for i, group := range bytes.SplitN(bytes.TrimLeft(body, "\n"), []byte("\n\n"), maxGroups) {
		fields, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(bytes.TrimLeft(group, "\n"), "\n\n"...)))).ReadMIMEHeader()
		if err != nil && len(fields) == 0 {
			continue
		}
		if i == 0 && fields.Get("Action") == "" {
			continue
		}
		status := statusOf.FindString(fields.Get("Status"))
		if !strings.EqualFold(strings.TrimSpace(fields.Get("Action")), "failed") || !strings.HasPrefix(status, "5.") {
			continue
		}
		// A relay that says no more than 5.0.0 often quotes who did.
		if status == "5.0.0" {
			if closer := statusOf.FindString(fields.Get("Diagnostic-Code")); strings.HasPrefix(closer, "5.") {
				status = closer
			}
		}
		f := failure{status: status}
		for _, name := range []string{"Original-Recipient", "Final-Recipient"} {
			if _, address, has := strings.Cut(fields.Get(name), ";"); has {
				f.addresses = append(f.addresses, strings.Trim(strings.TrimSpace(address), "<>"))
			}
		}
		r.failed = append(r.failed, f)
	}
}

var statusOf = regexp.MustCompile(`\b[245]\.\d{1,3}\.\d{1,3}\b`)

// original reads the header of the mail that came back.
func (r *report) original(body []byte) {
	if r.messageID != "" {
		return
	}
	fields, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(bytes.TrimLeft(body, "\r\n"), "\r\n\r\n"...)))).ReadMIMEHeader()
	if err != nil && len(fields) == 0 {
		return
	}
	r.messageID = strings.TrimSpace(fields.Get("Message-Id"))
	if to, err := mail.ParseAddressList(fields.Get("To")); err == nil {
		for _, a := range to {
			r.to = append(r.to, a.Address)
		}
	}
}

func list(value string) (out []string) {
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" && len(out) < maxGroups {
			out = append(out, part)
		}
	}
	return out
}

// addresses gives every address that a failure may mean: those it names, then
// those that the mail was written to, since a mailbox that forwards names the
// one behind it.
func (r report) addresses(f failure) (out []domain.Address) {
	for _, a := range append(append([]string{}, f.addresses...), r.to...) {
		if parsed, err := domain.ParseAddress(a); err == nil {
			out = append(out, parsed)
		}
	}
	return out
}
