package activation

import (
	"context"
	"encoding/hex"
	"errors"
	"net/netip"
	"time"

	"entree/internal/domain"
	"entree/internal/secret"
)

// Rates are the limits that hold over all instances. ADR 0037 says for each who
// can make it grow, who can lift it, and what the victim can do meanwhile.
type Rates struct {
	// Address limits the mails to one address. Three tenths of it are left to
	// networks that have not asked for this address in that time.
	Address domain.Rate
	// Client and Total limit the mails asked for from one network and altogether.
	// A whole campus can stand behind one network.
	Client, Total domain.Rate

	// Strikes limits wrong codes for one address, over all journeys. A right code
	// clears it. The last seven tenths are left to the first code of a journey.
	Strikes domain.Rate
	// WrongClient and WrongTotal limit wrong codes from one network and altogether.
	WrongClient, WrongTotal domain.Rate

	// ProofDay and Proofs limit wrong second proofs for one person. A right second
	// proof or the help desk clears them, a right code does not.
	ProofDay, Proofs domain.Rate

	// HashJourney and HashPerson limit the password hashes that one journey and one
	// person can have computed.
	HashJourney, HashPerson domain.Rate

	// DeskClient and DeskTotal limit wrong help desk codes. A network with more
	// than DeskClient is refused only when half of DeskTotal is spent.
	DeskClient, DeskTotal domain.Rate

	// SMSNumber, SMSBlock, SMSDay and SMSMonth limit the SMS that are paid for: to one
	// number, to the ten thousand numbers that differ in their last four figures,
	// and altogether. A zero SMSDay means that no SMS are sent.
	SMSNumber, SMSBlock, SMSDay, SMSMonth domain.Rate
	// SMSAddress limits the codes by SMS that visitors ask for at one address.
	SMSAddress domain.Rate
}

const day = 24 * time.Hour

// forever is the period of a limit that time does not lift.
const forever = 100 * 365 * day

// DefaultRates returns the limits of the sample configuration.
func DefaultRates() Rates {
	return Rates{
		Address: domain.Rate{Burst: 10, Per: day, Window: true},
		Client:  domain.Rate{Burst: 600, Per: 10 * time.Minute},
		Total:   domain.Rate{Burst: 6000, Per: 10 * time.Minute},

		Strikes:     domain.Rate{Burst: 100, Per: 100 * day},
		WrongClient: domain.Rate{Burst: 60, Per: 10 * time.Minute},
		WrongTotal:  domain.Rate{Burst: 5000, Per: day},

		ProofDay: domain.Rate{Burst: 5, Per: day, Window: true},
		Proofs:   domain.Rate{Burst: 20, Per: forever, Window: true},

		HashJourney: domain.Rate{Burst: 5, Per: 10 * time.Minute},
		HashPerson:  domain.Rate{Burst: 10, Per: time.Hour},

		DeskClient: domain.Rate{Burst: 20, Per: 10 * time.Minute},
		DeskTotal:  domain.Rate{Burst: 30_000, Per: 10 * time.Minute},

		SMSNumber:  domain.Rate{Burst: 6, Per: day, Window: true},
		SMSBlock:   domain.Rate{Burst: 30, Per: time.Hour},
		SMSMonth:   domain.Rate{Burst: 20_000, Per: 30 * day, Window: true},
		SMSAddress: domain.Rate{Burst: 3, Per: day, Window: true},
	}
}

// take counts acts, all or none, and returns a Refusal with reason if one of
// them is refused.
func (s *Service) take(ctx context.Context, reason domain.Reason, acts ...domain.Act) error {
	_, err := s.Limits.TakeAll(ctx, acts, s.now())
	return limited(err, reason)
}

// limited turns the refusal of a limit into a Refusal with reason.
func limited(err error, reason domain.Reason) error {
	var spent *domain.LimitError
	if errors.As(err, &spent) {
		return &domain.Refusal{Reason: reason, Retry: spent.Retry}
	}
	return err
}

// own returns the name of a limit that counts a purpose alone, so that requests for
// one purpose never hold the other back.
func own(purpose domain.Purpose, name string) string {
	if purpose == domain.PurposeActivate {
		return name
	}
	return string(purpose) + "-" + name
}

// addressKey returns the key of a limit of an address. It holds a MAC of the
// address, so that a reader of the database cannot test which addresses were
// asked for. It is made with the oldest key of the secret: counters keep counting
// during a rotation and begin again when the old key is removed (ADR 0062).
func (s *Service) addressKey(name string, a domain.Address) string {
	return name + ":" + hex.EncodeToString(s.Keys.OldestMAC(secret.UseLimit, string(a))[:16])
}

// prefixes returns the networks that a client belongs to, the narrowest first:
// an address and its /24 for IPv4, the /64, /56 and /48 for IPv6. The holder of
// one of these can change addresses within it at no cost.
func prefixes(client string) []string {
	p, err := netip.ParsePrefix(client)
	if err != nil {
		return []string{client}
	}
	lengths := []int{32, 24}
	if p.Addr().Is6() {
		lengths = []int{64, 56, 48}
	}
	out := make([]string, len(lengths))
	for i, bits := range lengths {
		wider, _ := p.Addr().Prefix(bits) // bits fit the family
		out[i] = wider.String()
	}
	return out
}

// widest returns the widest network that a client belongs to.
func widest(client string) string {
	all := prefixes(client)
	return all[len(all)-1]
}

// networkActs counts one act for each network that a client belongs to. The
// widest one has twice the rate; up to few acts there, the caller is a newcomer
// to the limit that follows.
func networkActs(kind, client string, r domain.Rate, few int) []domain.Act {
	var out []domain.Act
	for _, p := range prefixes(client) {
		out = append(out, domain.Act{Key: kind + ":" + p, Rate: r})
	}
	last := &out[len(out)-1]
	if len(out) > 1 {
		last.Rate.Burst *= 2
	}
	last.Few = few
	return out
}

// wrongCode returns the acts that a wrong code counts. A first code of a journey
// may use the part of the address's strikes that further ones may not: guesses
// in one journey never refuse the code of another before its first try.
// A change of address counts for the logged-in person alone, whose limit no stranger
// can spend.
func (s *Service) wrongCode(j *domain.Journey, client string) []domain.Act {
	if j.Purpose == domain.PurposeAddress {
		return []domain.Act{{Key: s.strikeKey(j), Rate: s.Rates.Strikes}}
	}
	strike := domain.Act{Key: s.strikeKey(j), Rate: s.Rates.Strikes}
	if j.Code.Tries > 0 {
		strike.Leave = s.Rates.Strikes.Burst * 7 / 10
	}
	acts := append([]domain.Act{strike}, networkActs("wrong-client", client, s.Rates.WrongClient, 2)...)
	return append(acts, domain.Act{Key: "wrong-total", Rate: s.Rates.WrongTotal, Reserve: s.Rates.WrongTotal.Burst / 2})
}

// strikeKey returns the key that counts wrong codes beyond the journey.
func (s *Service) strikeKey(j *domain.Journey) string {
	if j.Purpose == domain.PurposeAddress {
		return personKey("strike", j.Person)
	}
	return s.addressKey(own(j.Purpose, "strike"), j.Address)
}

// proofKeys returns the keys that count a person's wrong second proofs, per day
// and in all. Journeys that a help desk code began count on keys of their own:
// the holder of the mailbox must not be able to spend them.
func proofKeys(purpose domain.Purpose, p domain.PersonID, desk bool) (perDay, inAll string) {
	kind := own(purpose, "proof")
	if desk {
		kind += "-desk"
	}
	return kind + "-day:" + string(p), kind + ":" + string(p)
}

func (s *Service) proofActs(purpose domain.Purpose, people []domain.PersonID, desk bool) []domain.Act {
	var out []domain.Act
	for _, p := range people {
		perDay, inAll := proofKeys(purpose, p, desk)
		out = append(out, domain.Act{Key: perDay, Rate: s.Rates.ProofDay}, domain.Act{Key: inAll, Rate: s.Rates.Proofs})
	}
	return out
}

// ProofLimits returns the keys of a person's wrong second proofs.
func ProofLimits(p domain.PersonID) (keys []string) {
	for _, f := range domain.Flows() {
		keys = append(keys, purposeProofLimits(f.Purpose, p)...)
	}
	return keys
}

func purposeProofLimits(purpose domain.Purpose, p domain.PersonID) []string {
	day, all := proofKeys(purpose, p, false)
	deskDay, deskAll := proofKeys(purpose, p, true)
	return []string{day, all, deskDay, deskAll}
}

// ProofTries is how many second proofs were wrong for a person.
type ProofTries struct {
	Day, DayOf int
	All, AllOf int
	Until      time.Time // when the day's count ends
}

// WrongProofs returns the wrong second proofs of a person for a purpose, after a
// code by mail or after a help desk code.
func (s *Service) WrongProofs(ctx context.Context, purpose domain.Purpose, p domain.PersonID, desk bool) (ProofTries, error) {
	l, err := s.Limits.Levels(ctx, s.proofActs(purpose, []domain.PersonID{p}, desk), s.now())
	if err != nil {
		return ProofTries{}, err
	}
	return ProofTries{l[0].Counted, s.Rates.ProofDay.Burst, l[1].Counted, s.Rates.Proofs.Burst, l[0].Free}, nil
}
