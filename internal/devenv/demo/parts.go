package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"entree/internal/activation"
	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/devenv/demopeople"
	"entree/internal/devenv/localkeycloak"
	"entree/internal/devenv/mailbox"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/keycloak"
)

// demoPeople is how many people the demo's registry has.
const demoPeople = 200

// SetUpRealm sets the demo's realm up as its administrator and creates the
// console's operators.
func SetUpRealm(ctx context.Context, c config.Config, kc *localkeycloak.Server, operators []Operator) error {
	admin := keycloak.NewAdmin(kc.URL(), c.Keycloak.Realm, kc.AdminUser(), kc.AdminPassword())
	if err := admin.Apply(ctx, app.Wanted(c), nil); err != nil {
		return err
	}
	for _, o := range operators {
		who := keycloak.Operator{
			Login: o.Login, Email: o.Login + "@" + c.Institution.Scope, GivenName: "Démonstration", FamilyName: o.Role, Role: o.Role, Password: secret.New(o.Password),
		}
		if err := admin.AddOperator(ctx, c.Console.ClientID, who); err != nil {
			return fmt.Errorf("%s: %w", o.Login, err)
		}
	}
	return nil
}

// fillRegistry enrols the demo's people. People with the state active complete an
// activation like any student, with the mails of the mailbox.
func fillRegistry(ctx context.Context, a *app.App, box *mailbox.Mailbox) error {
	people := demopeople.Some(demoPeople)
	var enrolled []domain.Person
	for _, p := range people {
		enrolled = append(enrolled, p.Person)
	}
	if err := a.Store().Enrol(ctx, enrolled...); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, p := range people {
		if p.State == demopeople.Active {
			group.Go(func() error {
				if err := visit(ctx, a, box, p.Person); err != nil {
					return fmt.Errorf("activate %s: %w", p.Number, err)
				}
				return nil
			})
		}
	}
	return group.Wait()
}

// visit activates a person by the same calls as the pages make, with a password that is
// forgotten at once.
func visit(ctx context.Context, a *app.App, box *mailbox.Mailbox, enrolled domain.Person) error {
	p, err := a.Store().PersonByNumber(ctx, enrolled.Profile, enrolled.Number)
	if err != nil || p.Account != domain.NoAccount {
		return err // active since an earlier start
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	mails := len(box.Messages(string(p.Email)))
	j, err := a.Service().Request(ctx, activation.Request{Profile: p.Profile, Address: string(p.Email), Lang: domain.French, Client: "demo"})
	if err != nil {
		return err
	}
	mail, err := box.Wait(ctx, string(p.Email), mails+1)
	if err != nil {
		return err
	}
	if err := a.Service().Prove(ctx, &j, mail.Code(), "demo"); err != nil {
		return err
	}
	if birth, number := a.Service().RequiredProofs(j); birth || number {
		if err := a.Service().Verify(ctx, &j, activation.Answers{BirthDate: p.BirthDate, Number: p.Number}); err != nil {
			return err
		}
	}
	charter, err := a.Service().CharterFor(j, domain.French)
	if err != nil {
		return err
	}
	if err := a.Service().Accept(ctx, &j, charter.SHA256, domain.French); err != nil {
		return err
	}
	if err := a.Service().Pass(ctx, &j, domain.StepGuide); err != nil {
		return err
	}
	person, err := a.Service().PersonOf(ctx, j)
	if err != nil {
		return err
	}
	phrases, err := a.Service().Phrases(person, domain.French, 1)
	if err != nil {
		return err
	}
	return a.Service().ChoosePassword(ctx, &j, phrases[0].Text, phrases[0].Text)
}

// demoPlaces is the content of demo.json, which scripts read.
type demoPlaces struct {
	Portal   string `json:"portal"`
	Keycloak string `json:"keycloak"`
	Realm    string `json:"realm"`
	CAS      string `json:"cas,omitempty"`
	Mailbox  string `json:"mailbox"`
	// Directory is set if a directory keeps the accounts.
	Directory *demoDirectory `json:"directory,omitempty"`
	Operators []Operator     `json:"operators"`
	People    []demoPerson   `json:"people"`
}

type demoPerson struct {
	Number     string `json:"number"`
	GivenName  string `json:"given_name"`
	FamilyName string `json:"family_name"`
	BirthDate  string `json:"birth_date"`
	Email      string `json:"email"`
	Phone      string `json:"phone,omitempty"`
	Profile    string `json:"profile"`
	State      string `json:"state"`
}

// Operator is an account that may log in to the console.
type Operator struct {
	Login    string `json:"login"`
	Role     string `json:"role"`
	Password string `json:"password"`
}

// keepOperators draws the operators' passwords, once, into a file.
func keepOperators(dir string) (operators []Operator, err error) {
	file := filepath.Join(dir, "operators.json")
	raw, err := os.ReadFile(file)
	if err == nil {
		return operators, json.Unmarshal(raw, &operators)
	}
	for login, role := range map[string]string{"admin.demo": "admin", "helpdesk.demo": "helpdesk", "audit.demo": "auditor", "scolarite.demo": "registrar"} {
		operators = append(operators, Operator{login, role, "Console-" + strings.ToLower(rand.Text()[:16]) + "-2"})
	}
	slices.SortFunc(operators, func(a, b Operator) int { return strings.Compare(a.Login, b.Login) })
	if raw, err = json.MarshalIndent(operators, "", "  "); err != nil {
		return nil, err
	}
	return operators, os.WriteFile(file, append(raw, '\n'), 0o600)
}

// places describes a running demo, people's states as they are now.
func places(ctx context.Context, a *app.App, kc, mailbox string, operators []Operator) (demoPlaces, error) {
	c := a.Config()
	out := demoPlaces{Portal: c.Portal.BaseURL, Keycloak: kc, Realm: c.Keycloak.Realm, CAS: c.SSO.CASURL, Mailbox: mailbox, Operators: operators}
	for _, invented := range demopeople.Some(demoPeople) { // in their order: the how-to's student first
		p, err := a.Store().PersonByNumber(ctx, invented.Profile, invented.Number)
		if err != nil {
			return demoPlaces{}, err
		}
		state := string(p.Readiness)
		if p.Account != domain.NoAccount {
			state = string(p.Account)
		}
		out.People = append(out.People, demoPerson{p.Number, p.GivenName, p.FamilyName, p.BirthDate, string(p.Email), p.Phone, p.Profile, state})
	}
	return out, nil
}

// write leaves the file whole or not at all: a script waits for it.
func (d demoPlaces) write(file string) error {
	raw, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// tell prints the addresses of the demo and of people to try.
func (d demoPlaces) tell(out io.Writer, dir string) {
	cas := ""
	if d.CAS != "" {
		cas = "  CAS           " + d.CAS + "/login\n"
	}
	if d.Directory != nil {
		cas += "  The directory " + d.Directory.URL + "  " + d.Directory.People + "\n                After an activation: ldapwhoami -x -H " + d.Directory.URL + " -D uid=o22502142," + d.Directory.People + " -W\n"
	}
	fmt.Fprintf(out, `
  The portal    %s/
  The mailbox   %s/  (mails and SMS)
  Keycloak      %s/admin/  (user admin, password in %s)
%s
  Try Jean-Pierre Martin, student: %s
  Two people share an address:     famille.roy@example.com  (numbers 22501001 and 22501002)
  Not ready yet:                   chloe.dubois@example.com
  Active already, has a telephone: camille.moreau@example.com
  Staff, asked for a birth date:   nadia.benali@example.com  (28 February 1981)

  All people are in %s
  Ctrl-C stops all of it.

`, d.Portal, d.Mailbox, d.Keycloak, filepath.Join(dir, "keycloak", "admin-password"), cas, d.People[0].Email, filepath.Join(dir, "demo.json"))
}

// forget removes the file that says that the demo runs.
func forget(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
