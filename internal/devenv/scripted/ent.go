package scripted

import (
	"context"
	"fmt"
	"strings"
)

// OpenENT follows the link of the page of success to the ENT and logs in on
// Keycloak's page with the password of the activation. It returns an error unless
// the portal's stand-in for the ENT greets the student by name.
func (s *Student) OpenENT(ctx context.Context) error {
	href, ok := s.Doc.Find("main a.primary").Attr("href")
	if s.Outcome != Success || !ok {
		return fmt.Errorf("no link to the ENT at %s", s.Where())
	}
	portal := s.At.Host
	if err := s.Get(ctx, href); err != nil {
		return err
	}
	if err := s.Submit(ctx, "/login-actions/authenticate", map[string]string{"username": s.Shown, "password": s.Password}); err != nil {
		return err
	}
	if s.At.Host != portal || s.At.Path != "/ent" || !strings.Contains(s.Text("h1"), s.GivenName) {
		return fmt.Errorf("the login of %s ended at %s: %s", s.Shown, s.Where(), s.Errors())
	}
	return nil
}
