package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	xcrypto "golang.org/x/crypto/argon2"

	"entree/internal/devenv/realm"
	"entree/internal/devenv/scripted"
)

// The names of the two ways to a new password.
const (
	NameRecovery  = "recovery"
	NameForgotten = "forgotten"
)

// Recovery returns the contestant that chooses a new password through the portal. person
// returns the i-th person, whose account must exist.
func Recovery(portal string, box scripted.Box, person func(i int) scripted.Person) Contestant {
	return Contestant{Name: NameRecovery, One: func(ctx context.Context, i int, _ *Journey) error {
		s := scripted.NewStudent(person(i), portal, box, nil)
		s.Browser = scripted.NewBrowser(nil, patience)
		s.Recovers = true
		defer s.Close()
		if err := s.Go(ctx); err != nil {
			return err
		}
		if s.Outcome != scripted.Success {
			return fmt.Errorf("the recovery of %s ended with %q at %s", s.Number, s.Outcome, s.Where())
		}
		return nil
	}}
}

// Forgotten creates a realm beside the portal's, with n users and Keycloak's own "forgot
// password", whose mails go to the server at smtp, and returns its contestant. In its
// favour, the style sheets and scripts of its pages are not fetched.
func Forgotten(ctx context.Context, portal, peers *realm.Realm, box scripted.Box, smtp string, n int) (Contestant, error) {
	host, port, err := net.SplitHostPort(smtp)
	if err != nil {
		return Contestant{}, err
	}
	err = peersIn(ctx, portal, peers, map[string]any{"resetPasswordAllowed": true, "smtpServer": map[string]string{"host": host, "port": port, "from": "reset@example.org"}})
	if err != nil {
		return Contestant{}, err
	}
	for i := range n {
		user := peer(NameForgotten, i)
		hashed, err := hash(password(i), xcrypto.IDKey)
		if err != nil {
			return Contestant{}, err
		}
		user["credentials"] = []any{hashed}
		if _, err := peers.Create(ctx, user); err != nil {
			return Contestant{}, err
		}
	}
	return Contestant{Name: NameForgotten, One: func(ctx context.Context, i int, _ *Journey) error { return forget(ctx, peers, box, i) }}, nil
}

var tokenLink = regexp.MustCompile(`https?://[^\s"<>]+/login-actions/action-token[^\s"<>]+`)

// forget chooses a new password by Keycloak's own pages: the login page, the page of the
// address, the link of the mail, and the new password.
func forget(ctx context.Context, realm *realm.Realm, box scripted.Box, i int) error {
	b := scripted.NewBrowser(nil, patience)
	defer b.Close()
	b.Leave = func(to *url.URL) bool { return strings.HasPrefix(to.String(), back) }
	err := b.Get(ctx, realm.URL+"/realms/"+realm.Name+"/protocol/openid-connect/auth?"+url.Values{
		"client_id": {"ent"}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {back}, "state": {"s"},
	}.Encode())
	if err != nil {
		return err
	}
	href, ok := b.Doc.Find(`a[href*="reset-credentials"]`).Attr("href")
	if !ok {
		return fmt.Errorf("no link to a forgotten password at %s", b.Where())
	}
	if err := b.Get(ctx, href); err != nil {
		return err
	}
	user := peer(NameForgotten, i)
	if err := b.Submit(ctx, "/login-actions/reset-credentials", map[string]string{"username": user["username"].(string)}); err != nil {
		return err
	}
	mail, err := box.Wait(ctx, user["email"].(string), 1)
	if err != nil {
		return err
	}
	link := tokenLink.FindString(mail.Text)
	if link == "" {
		return errors.New("the mail has no link to a new password")
	}
	if err := b.Get(ctx, link); err != nil {
		return err
	}
	if err := b.Submit(ctx, "/login-actions/required-action", map[string]string{"password-new": password(i) + "Again", "password-confirm": password(i) + "Again"}); err != nil {
		return err
	}
	if b.Status != http.StatusFound {
		return fmt.Errorf("the new password was refused at %s: %s", b.Where(), b.Errors())
	}
	return nil
}
