package mailbox_test

import (
	"fmt"
	"testing"

	"entree/internal/devenv/child"
	"entree/internal/devenv/mailbox"
)

// A mailbox that is closed before its servers serve releases its ports.
func TestABoxThatEndsAtOnceLetsItsPortsGo(t *testing.T) {
	var o mailbox.Options
	for _, to := range []*string{&o.SMTP, &o.HTTP} {
		port, err := child.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		*to = fmt.Sprintf("127.0.0.1:%d", port)
	}
	for range 100 {
		box, err := mailbox.Start(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := box.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
