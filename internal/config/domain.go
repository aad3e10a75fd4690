package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/internal/password"
)

// Domain returns the configured profiles.
func (c Config) Domain() []domain.Profile {
	var out []domain.Profile
	for _, p := range c.Profiles {
		affiliations := p.Affiliations
		if len(affiliations) == 0 {
			affiliations = []string{p.Affiliation, "member"}
		}
		out = append(out, domain.Profile{
			Key: p.Key, Names: map[domain.Lang]string{domain.French: p.Name.French, domain.English: p.Name.English},
			Proof: domain.Proof(p.Proof), RecoveryProof: p.recoveryProof(), Login: p.Login, Address: p.Address, Groups: p.Groups,
			Affiliation: p.Affiliation, Affiliations: affiliations,
			Credential: cmp.Or(domain.Credentials(p.Credential), domain.PasswordOnly),
			Factors:    cmp.Or(domain.FactorRule(p.Factors), domain.FactorsNone),
			SMS:        c.HasSMS() && slices.Contains(p.Channels, string(domain.ChannelSMS)),

			PasswordElsewhere: p.PasswordElsewhere || c.InDirectory(),
		})
	}
	return out
}

// recoveryProof returns the second proof of a recovery: the configured one, or that of
// the activation, or the number, which every person has.
func (p Profile) recoveryProof() domain.Proof {
	switch {
	case p.RecoveryProof == "none":
		return domain.ProofNone
	case p.RecoveryProof != "":
		return domain.Proof(p.RecoveryProof)
	case p.Proof != "":
		return domain.Proof(p.Proof)
	}
	return domain.ProofNumber
}

// Rates returns the configured rate limits.
func (c Config) Rates() activation.Rates {
	r := activation.DefaultRates()
	r.Address.Burst, r.Client.Burst, r.Total.Burst = c.Limits.MailsPerAddress, c.Limits.MailsPerClient, c.Limits.MailsAltogether
	r.WrongClient.Burst, r.WrongTotal.Burst = c.Limits.WrongPerClient, c.Limits.WrongAltogether
	if c.HasSMS() {
		l := c.SMS.Limits
		r.SMSNumber.Burst, r.SMSBlock.Burst, r.SMSMonth.Burst = l.PerNumber, l.PerBlock, l.PerMonth
		r.SMSDay = domain.Rate{Burst: l.PerDay, Per: 24 * time.Hour, Window: true}
	}
	for _, rate := range []*domain.Rate{&r.Address, &r.Client, &r.Total, &r.Strikes, &r.WrongClient, &r.WrongTotal, &r.ProofDay, &r.HashJourney, &r.HashPerson} {
		rate.Per = c.Compressed(rate.Per)
	}
	return r
}

// Compressed returns a time that is people's, divided by Compression: a window of a rate
// limit, the life of a code or the wait for the next one. No key sets Compression.
func (c Config) Compressed(d time.Duration) time.Duration {
	return d / time.Duration(max(1, c.Compression))
}

// ClaimRules returns the rules for claims of another address.
func (c Config) ClaimRules() domain.ClaimRules {
	k := c.Claims
	return domain.ClaimRules{
		Eyes: k.Eyes, Objection: time.Duration(k.ObjectionDays) * 24 * time.Hour, CardURL: k.CardURL, CardRequired: k.CardRequired,
		Card: map[domain.Lang]string{domain.French: k.Card.French, domain.English: k.Card.In(domain.English)},
	}
}

// Policy returns the institution's password policy.
func (c Config) Policy() password.Policy {
	p := c.Password
	return password.Policy{Length: p.Length, MaxLength: p.MaxLength, Upper: p.Upper, Lower: p.Lower, Digits: p.Digits, Special: p.Special}
}

// Zone returns the institution's time zone.
func (c Config) Zone() *time.Location {
	zone, err := time.LoadLocation(c.Institution.TimeZone)
	if err != nil {
		return time.UTC // checked when the configuration was read
	}
	return zone
}

// Issuer returns the OIDC issuer: the configured one, or else the realm; empty
// without both.
func (c Config) Issuer() string {
	if c.SSO.Issuer != "" || !c.HasKeycloak() {
		return c.SSO.Issuer
	}
	return strings.TrimRight(c.Keycloak.URL, "/") + "/realms/" + c.Keycloak.Realm
}

// ConsoleIssuer returns the OIDC issuer of the operators; empty if there is none.
func (c Config) ConsoleIssuer() string { return cmp.Or(c.Console.Issuer, c.Issuer()) }

// ForgottenURL returns the address of the page for a forgotten password; empty
// means that there is none.
func (c Config) ForgottenURL() string {
	if strings.HasPrefix(c.Portal.Forgotten, "/") {
		return strings.TrimRight(c.Portal.BaseURL, "/") + c.Portal.Forgotten
	}
	return c.Portal.Forgotten
}

// LogoFile returns the path of the logo; empty means that there is none.
func (c Config) LogoFile() string {
	return c.path(c.Institution.Logo)
}

// BounceFolder returns the path of the maildir that receives bounces; empty means
// that there is none.
func (c Config) BounceFolder() string {
	return c.path(c.Bounces.Folder)
}

// BounceRules returns the path of the institution's bounce rules, and "" if it
// has none.
func (c Config) BounceRules() string {
	return c.path(c.Bounces.Rules)
}

// BreachedFile returns the path of the list of leaked passwords; empty means that
// there is none.
func (c Config) BreachedFile() string {
	return c.path(c.Password.Breached)
}

// Texts holds the configured charters. They are published if the database holds no
// charter yet.
type Texts struct{ all []domain.Charter }

// Texts returns the configured charters.
func (c Config) Texts() *Texts { return c.charters }

// All returns every charter.
func (t *Texts) All() []domain.Charter { return t.all }

// InForce returns the charter of a profile, or else the charter of all profiles, in
// a language, or else in French.
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
			errs = append(errs, fmt.Errorf("no charter for the profile %q", p.Key))
		}
	}
	return t, errors.Join(errs...)
}
