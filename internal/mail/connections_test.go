package mail_test

import (
	"io"
	"net"
	"sync"
	"testing"

	"entree/internal/domain"
)

// wire is a proxy that counts connections and can close them.
type wire struct {
	net.Listener
	mu    sync.Mutex
	open  []net.Conn
	count int
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l}
	t.Cleanup(func() { _ = l.Close(); w.cut() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			w.mu.Lock()
			w.open, w.count = append(w.open, in, out), w.count+1
			w.mu.Unlock()
			for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
				go func() {
					_, _ = io.Copy(pair[1], pair[0])
					_ = pair[1].Close()
				}()
			}
		}
	}()
	return w
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		_ = c.Close()
	}
	w.open = nil
}

func (w *wire) connections() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

func TestAConnectionServesMailAfterMail(t *testing.T) {
	_, box := open(t, nil)
	w := newWire(t, box.SMTPAddr())
	m := mailer(t, w.Addr().String())
	for range 3 {
		sent(t, m, box, message(domain.MessageCode, domain.French))
	}
	if n := w.connections(); n != 1 {
		t.Errorf("%d connections for 3 mails that followed one another", n)
	}
}

// A pooled connection that the server closed is replaced: the mail is sent, and
// only once.
func TestAKeptConnectionThatDied(t *testing.T) {
	_, box := open(t, nil)
	w := newWire(t, box.SMTPAddr())
	m := mailer(t, w.Addr().String())
	sent(t, m, box, message(domain.MessageCode, domain.French))
	w.cut()
	sent(t, m, box, message(domain.MessageActivated, domain.French))
	if n, mails := w.connections(), len(box.Messages("")); n != 2 || mails != 2 {
		t.Errorf("%d connections, %d mails; want 2 and 2", n, mails)
	}
}

// A refused mail does not affect the next mail on the same connection.
func TestAKeptConnectionAfterARefusal(t *testing.T) {
	_, box := open(t, nil)
	w := newWire(t, box.SMTPAddr())
	m := mailer(t, w.Addr().String())
	bad := message(domain.MessageCode, domain.French)
	bad.To = "nobody\r\n@example.org"
	if err := m.Send(t.Context(), bad); !domain.IsPermanent(err) {
		t.Errorf("%v", err)
	}
	sent(t, m, box, message(domain.MessageCode, domain.French))
}

func TestManyMailsAtOnce(t *testing.T) {
	_, box := open(t, nil)
	w := newWire(t, box.SMTPAddr())
	m := mailer(t, w.Addr().String())
	for range 2 {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := m.Send(t.Context(), message(domain.MessageCode, domain.French)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	if mails := len(box.Messages("")); mails != 40 {
		t.Errorf("%d mails arrived", mails)
	}
}
