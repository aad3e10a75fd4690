package bounce_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"entree/internal/domain"
	"entree/internal/mail/bounce"
	"entree/internal/secret"
)

const (
	ours = "0123abcd.ffee@example.org" // the Message-ID of a mail to jp
	jp   = domain.Address("jp.martin@example.net")
)

// pile is a box of messages in memory.
type pile [][]byte

func (p pile) Each(_ context.Context, _ int, see func([]byte) error) error {
	for _, raw := range p {
		if err := see(raw); err != nil {
			return err
		}
	}
	return nil
}

func look(t *testing.T, box bounce.Box) []bounce.Bounce {
	t.Helper()
	var told []bounce.Bounce
	r := &bounce.Reader{
		Box: box, Log: slog.New(slog.DiscardHandler), Clock: time.Now, Every: time.Minute,
		Ours: func(id string, to domain.Address) (string, bool) {
			return "0123abcd", strings.Trim(id, "<> \t\r\n") == ours && to == jp
		},
		Tell: func(_ context.Context, b bounce.Bounce) error { told = append(told, b); return nil },
	}
	if err := r.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	return told
}

func sample(t *testing.T, name, id string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(raw, []byte("{ID}"), []byte(id))
}

var reports = map[string]string{
	"postfix.eml": "5.1.1", "exim.eml": "5.0.0", "exim-old.eml": "5.0.0", "exchange.eml": "5.1.10", "gmail.eml": "5.1.1", "headers-only.eml": "5.1.1", "full.eml": "5.2.2",
	"none-delayed.eml": "", "none-absence.eml": "", "none-read-receipt.eml": "",
}

func TestReportsOfManyServers(t *testing.T) {
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) != len(reports) {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	for name, status := range reports {
		t.Run(name, func(t *testing.T) {
			told := look(t, pile{sample(t, name, ours)})
			if status == "" {
				if len(told) != 0 {
					t.Errorf("told %+v", told)
				}
				return
			}
			if len(told) != 1 || told[0].ID != "0123abcd" || told[0].Address != jp || told[0].Status != status {
				t.Errorf("told %+v, want one with status %s", told, status)
			}
			// The same report with a forged Message-ID.
			if told := look(t, pile{sample(t, name, "0123abcd.ffef@example.org")}); len(told) != 0 {
				t.Errorf("a forged one was believed: %+v", told)
			}
			// The genuine Message-ID with the address of another person.
			other := bytes.ReplaceAll(sample(t, name, ours), []byte("jp.martin@example.net"), []byte("somebody@example.net"))
			if told := look(t, pile{other}); len(told) != 0 {
				t.Errorf("it was believed of another address: %+v", told)
			}
			for cut := range 40 { // truncated messages do not crash the reader
				raw := sample(t, name, ours)
				look(t, pile{raw[:len(raw)*cut/40]})
			}
		})
	}
}

func TestWhatIsTooMuchIsPassedOver(t *testing.T) {
	head := "Content-Type: multipart/report; boundary=b\r\n\r\n"
	status := "Content-Type: message/delivery-status\r\n\r\nA: b\r\n\r\n" + strings.Repeat("Final-Recipient: rfc822; jp.martin@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n", 5000)
	var deep strings.Builder
	for i := range 50 {
		fmt.Fprintf(&deep, "Content-Type: multipart/report; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	for name, raw := range map[string]string{
		"many parts":      head + strings.Repeat("--b\r\n\r\nx\r\n", 100_000),
		"deep":            deep.String(),
		"long header":     "X: " + strings.Repeat("x", 1<<20) + "\r\n" + head,
		"many recipients": head + "--b\r\n" + status + "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <forged@example.org>\r\n\r\n--b--\r\n",
		"no boundary":     "Content-Type: multipart/report\r\n\r\nx",
		"unknown coding":  "Content-Type: multipart/report; boundary=b\r\nContent-Transfer-Encoding: x-thing\r\n\r\nx",
		"nothing":         "",
		"not a message":   "\x00\x01\x02",
	} {
		if told := look(t, pile{[]byte(raw)}); len(told) != 0 {
			t.Errorf("%s: told %+v", name, told)
		}
	}
}

func TestAFolderIsReadOnce(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "new"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"postfix.eml", "none-absence.eml"} {
		if err := os.WriteFile(filepath.Join(dir, "new", fmt.Sprint(i)), sample(t, name, ours), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	box := bounce.Folder{Dir: dir}
	if told := look(t, box); len(told) != 1 {
		t.Errorf("told %+v", told)
	}
	if told := look(t, box); len(told) != 0 {
		t.Errorf("told again %+v", told)
	}
	if read, err := filepath.Glob(filepath.Join(dir, "cur", "*:2,S")); err != nil || len(read) != 2 {
		t.Errorf("%v, %v", read, err)
	}
	if err := (bounce.Folder{Dir: t.TempDir()}).Each(t.Context(), 1, nil); err == nil {
		t.Error("a folder that is no maildir is fine")
	}
}

// server starts an IMAP server with mailboxes in memory, on loopback.
func server(t *testing.T) (bounce.IMAP, *imapmemserver.User) {
	t.Helper()
	user := imapmemserver.NewUser("rebonds", "s3cret")
	if err := user.Create("INBOX", nil); err != nil {
		t.Fatal(err)
	}
	memory := imapmemserver.New()
	memory.AddUser(user)
	s := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return memory.NewSession(), nil, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}}, InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(func() { _ = s.Close() })
	return bounce.IMAP{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, TLS: "none", User: "rebonds", Password: secret.New("s3cret"), Mailbox: "INBOX"}, user
}

func deliver(t *testing.T, to *imapmemserver.User, raw []byte) {
	t.Helper()
	if _, err := to.Append("INBOX", literal{bytes.NewReader(raw)}, &imap.AppendOptions{}); err != nil {
		t.Fatal(err)
	}
}

type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

func TestAMailboxIsReadByIMAPOnce(t *testing.T) {
	box, user := server(t)
	for name := range reports {
		deliver(t, user, sample(t, name, ours))
	}
	if told := look(t, box); len(told) != 7 {
		t.Errorf("told %+v", told)
	}
	if told := look(t, box); len(told) != 0 {
		t.Errorf("told again %+v", told)
	}
	deliver(t, user, sample(t, "gmail.eml", ours))
	if told := look(t, box); len(told) != 1 {
		t.Errorf("told %+v", told)
	}
}

// A message stays unread if see returns an error.
func TestAReportThatWasNotKeptComesAgain(t *testing.T) {
	box, user := server(t)
	deliver(t, user, sample(t, "postfix.eml", ours))
	away := errors.New("the database is away")
	if err := box.Each(t.Context(), 9, func([]byte) error { return away }); !errors.Is(err, away) {
		t.Errorf("%v", err)
	}
	if told := look(t, box); len(told) != 1 {
		t.Errorf("told %+v", told)
	}
}

func TestAMailboxThatCannotBeRead(t *testing.T) {
	box, _ := server(t)
	wrong := box
	wrong.Password = secret.New("another")
	missing := box
	missing.Mailbox = "none"
	encrypted := box
	encrypted.TLS, encrypted.TLSRoots = "implicit", &tls.Config{}
	for name, b := range map[string]bounce.IMAP{"password": wrong, "mailbox": missing, "TLS": encrypted} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if err := b.Each(ctx, 1, nil); err == nil || strings.Contains(err.Error(), "another") {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}

// Each run reads the box once and returns the job of the next run.
func TestOneJobLooksOverAndOver(t *testing.T) {
	now := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	r := &bounce.Reader{Box: pile{}, Every: time.Minute, Clock: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	e, err := r.Run(t.Context(), r.FirstJob())
	if err != nil || len(e.Jobs) != 1 || e.Jobs[0].ID != bounce.JobID || !e.Jobs[0].RunAt.Equal(now.Add(time.Minute)) {
		t.Errorf("%+v, %v", e, err)
	}
}
