package activation

import (
	"context"
	"slices"
	"strings"

	"entree/internal/domain"
)

// SharedLimit is the state of a limit that the visitors of a network, or all
// visitors, share.
type SharedLimit struct {
	Kind     string // mail-client, wrong-client, mail-total, wrong-total, desk-total, sms-day or sms-month
	Network  string // empty: all networks
	Key      string
	Used, Of int
	Level    domain.Level
}

// Spent reports whether the limit refuses the next act.
func (l SharedLimit) Spent() bool { return l.Used >= l.Of }

// mostNetworks is the number of networks of a kind that are shown.
const mostNetworks = 50

// totals are the limits of all visitors together.
func (s *Service) totals() []domain.Act {
	acts := []domain.Act{{Key: "mail-total", Rate: s.Rates.Total}, {Key: "wrong-total", Rate: s.Rates.WrongTotal}, {Key: "desk-total", Rate: s.Rates.DeskTotal}}
	if s.sendsSMS() {
		acts = append(acts, domain.Act{Key: keySMSMonth, Rate: s.Rates.SMSMonth}, domain.Act{Key: keySMSDay, Rate: s.Rates.SMSDay})
	}
	return acts
}

// SharedLimits returns the state of the limits of all visitors together, and of
// the networks that have spent at least half of theirs.
func (s *Service) SharedLimits(ctx context.Context) ([]SharedLimit, error) {
	now := s.now()
	acts := s.totals()
	for kind, r := range map[string]domain.Rate{"mail-client": s.Rates.Client, "wrong-client": s.Rates.WrongClient} {
		keys, err := s.Limits.Keys(ctx, kind, now.Add(r.Per/2), mostNetworks)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			_, network, _ := strings.Cut(key, ":")
			for _, a := range networkActs(kind, network, r, 0) {
				if a.Key == key {
					acts = append(acts, a)
					break // the narrowest: its rate is the lower one
				}
			}
		}
	}
	levels, err := s.Limits.Levels(ctx, acts, now)
	if err != nil {
		return nil, err
	}
	var out []SharedLimit
	for i, a := range acts {
		kind, network, _ := strings.Cut(a.Key, ":")
		out = append(out, SharedLimit{Kind: kind, Network: network, Key: a.Key, Used: levels[i].Counted, Of: a.Rate.Burst, Level: levels[i]})
	}
	return out, nil
}

// IsSharedLimit reports whether a key is one of those that SharedLimits returns.
func (s *Service) IsSharedLimit(key string) bool {
	kind, network, _ := strings.Cut(key, ":")
	if network == "" {
		return slices.ContainsFunc(s.totals(), func(a domain.Act) bool { return a.Key == key })
	}
	return kind == "mail-client" || kind == "wrong-client"
}
