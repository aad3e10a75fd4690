package mail_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/internal/mail"
)

// R6: a mail server that stops answering, at any stage, holds a mail for its
// time limit only. The mail is tried again later.
func TestR6_AMailServerThatHangsHoldsNoMailBeyondItsTime(t *testing.T) {
	for _, stage := range []string{"the greeting", "EHLO", "MAIL", "RCPT", "DATA", "the end of the mail"} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			reached := make(chan struct{})
			at := hangs(t, stage, reached)
			m := mailer(t, at, func(o *mail.Options) { o.Timeout = 2 * time.Second })
			if err := m.Send(t.Context(), message(domain.MessageCode, domain.French)); err == nil || domain.IsPermanent(err) {
				t.Errorf("want an error that is tried again, have %v", err)
			}
			select {
			case <-reached:
			default:
				t.Error("the mail did not come so far")
			}
		})
	}
}

// hangs serves one SMTP connection up to a stage, closes reached, and then answers
// nothing until the test ends.
func hangs(t *testing.T, stage string, reached chan struct{}) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		lines := bufio.NewScanner(conn)
		hang := func() {
			close(reached)
			for lines.Scan() { // until the client leaves
			}
		}
		if stage == "the greeting" {
			hang()
			return
		}
		fmt.Fprint(conn, "220 mail.example.org\r\n")
		for text := false; lines.Scan(); {
			line := lines.Text()
			command, _, _ := strings.Cut(strings.ToUpper(line), " ")
			switch {
			case text && line == ".":
				if stage == "the end of the mail" {
					hang()
					return
				}
				text = false
				fmt.Fprint(conn, "250 taken\r\n")
			case text:
			case command == stage:
				hang()
				return
			case command == "DATA":
				text = true
				fmt.Fprint(conn, "354 go on\r\n")
			default:
				fmt.Fprint(conn, "250 yes\r\n")
			}
		}
	}()
	return l.Addr().String()
}
