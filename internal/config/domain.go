package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/internal/password"
)

// Domain gives the profiles as the activation knows them.
func (c Config) Domain() []domain.Profile {
	var out []domain.Profile
	for _, p := range c.Profiles {
		affiliations := p.Affiliations
		if len(affiliations) == 0 {
			affiliations = []string{p.Affiliation, "member"}
		}
		out = append(out, domain.Profile{
			Key: p.Key, Names: map[domain.Lang]string{domain.French: p.Name.French, domain.English: p.Name.English},
			Proof: domain.Proof(p.Proof), Login: p.Login, Address: p.Address, Groups: p.Groups,
			Affiliation: p.Affiliation, Affiliations: affiliations,
		})
	}
	return out
}

// Rates gives the limits as the activation knows them.
func (c Config) Rates() activation.Rates {
	r := activation.DefaultRates()
	r.Address.Burst, r.Client.Burst, r.Total.Burst, r.Tries.Burst = c.Limits.MailsPerAddress, c.Limits.MailsPerClient, c.Limits.MailsAltogether, c.Limits.TriesPerAddress
	return r
}

// Policy gives the institution's own rules on passwords.
func (c Config) Policy() password.Policy {
	p := c.Password
	return password.Policy{Length: p.Length, MaxLength: p.MaxLength, Upper: p.Upper, Lower: p.Lower, Digits: p.Digits, Special: p.Special}
}

// Zone is the institution's time zone.
func (c Config) Zone() *time.Location {
	zone, err := time.LoadLocation(c.Institution.TimeZone)
	if err != nil {
		return time.UTC // checked when the configuration was read
	}
	return zone
}

// Issuer is the OIDC issuer: the realm, unless the configuration says another.
func (c Config) Issuer() string {
	if c.SSO.Issuer != "" {
		return c.SSO.Issuer
	}
	return strings.TrimRight(c.Keycloak.URL, "/") + "/realms/" + c.Keycloak.Realm
}

// ForgottenURL is where who forgot the password is led; empty where nobody is.
func (c Config) ForgottenURL() string {
	if strings.HasPrefix(c.Portal.Forgotten, "/") {
		return strings.TrimRight(c.Portal.BaseURL, "/") + c.Portal.Forgotten
	}
	return c.Portal.Forgotten
}

// LogoFile is the logo's path; empty where there is none.
func (c Config) LogoFile() string {
	if c.Institution.Logo == "" {
		return ""
	}
	return c.path(c.Institution.Logo)
}

// BounceFolder is the path of the maildir with bounces; empty where there is
// none.
func (c Config) BounceFolder() string {
	if c.Bounces.Folder == "" {
		return ""
	}
	return c.path(c.Bounces.Folder)
}

// BreachedFile is the path of the list of leaked passwords; empty where there
// is none.
func (c Config) BreachedFile() string {
	if c.Password.Breached == "" {
		return ""
	}
	return c.path(c.Password.Breached)
}

// Texts are the charters that an institution begins with: they are published
// where there are none yet.
type Texts struct{ all []domain.Charter }

// Texts gives the charters that the configuration names.
func (c Config) Texts() *Texts { return c.charters }

// All gives every text.
func (t *Texts) All() []domain.Charter { return t.all }

// InForce gives the charter of a profile, or the one for everybody, in a
// language, or in French.
func (t *Texts) InForce(profile string, lang domain.Lang) (domain.Charter, error) {
	for _, p := range []string{profile, ""} {
		for _, l := range []domain.Lang{lang, domain.French} {
			for _, c := range t.all {
				if c.Profile == p && c.Lang == l {
					return c, nil
				}
			}
		}
	}
	return domain.Charter{}, fmt.Errorf("config: no charter for %q", profile)
}

func (c *Config) readCharters() (*Texts, error) {
	t := &Texts{}
	var errs []error
	for i, charter := range c.Charters {
		for lang, name := range map[domain.Lang]string{domain.French: charter.File.French, domain.English: charter.File.English} {
			if name == "" {
				if lang == domain.French {
					errs = append(errs, fmt.Errorf("[%d].file.fr is missing", i))
				}
				continue
			}
			raw, err := os.ReadFile(c.path(name))
			switch {
			case err != nil:
				errs = append(errs, err)
			case !utf8.Valid(raw):
				errs = append(errs, fmt.Errorf("%s is not UTF-8", name))
			case strings.TrimSpace(string(raw)) == "":
				errs = append(errs, fmt.Errorf("%s is empty", name))
			}
			t.all = append(t.all, domain.Charter{
				Profile: charter.Profile, Lang: lang, Version: charter.Version, Title: charter.Title.In(lang),
				Text: string(raw), SHA256: domain.HashCharter(string(raw)),
			})
		}
		if charter.Version == "" {
			errs = append(errs, fmt.Errorf("[%d].version is missing", i))
		}
		if charter.Title.French == "" {
			errs = append(errs, fmt.Errorf("[%d].title.fr is missing", i))
		}
	}
	for _, p := range c.Profiles {
		if _, err := t.InForce(p.Key, domain.French); err != nil && len(errs) == 0 {
			errs = append(errs, fmt.Errorf("there is none for the profile %q", p.Key))
		}
	}
	return t, errors.Join(errs...)
}
