package config

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"entree/internal/domain"
	"entree/internal/secret"
	"entree/internal/sms"
)

// SMS configures the channel for telephones.
type SMS struct {
	Way     string        `yaml:"way"` // SMSByHTTP, SMSBySMPP, or empty: no SMS
	Sender  string        `yaml:"sender"`
	Timeout time.Duration `yaml:"timeout"`
	HTTP    SMSHTTP       `yaml:"http"`
	SMPP    SMSSMPP       `yaml:"smpp"`
	// Prefixes are the beginnings of the numbers to which SMS are sent.
	Prefixes []string  `yaml:"allowed_prefixes"`
	Limits   SMSLimits `yaml:"limits"`
}

// SMSLimits are the limits of the SMS that all instances together send.
type SMSLimits struct {
	PerNumber int `yaml:"per_number_per_day"`
	PerBlock  int `yaml:"per_ten_thousand_numbers_per_hour"`
	PerDay    int `yaml:"per_day"`
	PerMonth  int `yaml:"per_month"`
}

func defaultSMS() SMS {
	return SMS{
		Timeout: 10 * time.Second, SMPP: SMSSMPP{TLS: true},
		Prefixes: []string{"+33", "+262", "+508", "+590", "+594", "+596", "+681", "+687", "+689"},
		Limits:   SMSLimits{PerNumber: 6, PerBlock: 30, PerDay: 2000, PerMonth: 20_000},
	}
}

// The ways to send SMS.
const (
	SMSByHTTP = "http"
	SMSBySMPP = "smpp"
)

// SMSHTTP is an HTTP gateway. Empty keys have the values of the preset.
type SMSHTTP struct {
	Preset      string            `yaml:"preset"`
	URL         string            `yaml:"url"`
	Method      string            `yaml:"method"`
	Headers     map[string]string `yaml:"headers"`
	ContentType string            `yaml:"content_type"`
	Body        string            `yaml:"body"`
	Success     string            `yaml:"success"`
	Refused     string            `yaml:"refused"`
	Account     string            `yaml:"account"`
	User        string            `yaml:"user"`
	Secret      secret.Text       `yaml:"secret"`
}

// SMSSMPP is a centre that speaks SMPP 3.4.
type SMSSMPP struct {
	Address    string      `yaml:"address"`
	TLS        bool        `yaml:"tls"`
	SystemID   string      `yaml:"system_id"`
	SystemType string      `yaml:"system_type"`
	Password   secret.Text `yaml:"password"`
}

// HasSMS reports whether SMS are sent.
func (c Config) HasSMS() bool { return c.SMS.Way != "" }

// SMSHTTP returns the description of the HTTP gateway.
func (c Config) SMSHTTP() sms.HTTP {
	h := c.SMS.HTTP
	return sms.HTTP{
		Preset: h.Preset, URL: h.URL, Method: strings.ToUpper(h.Method), Headers: h.Headers, ContentType: h.ContentType, Body: h.Body,
		Success: h.Success, Refused: h.Refused, Account: h.Account, User: h.User, Secret: h.Secret, Sender: c.SMS.Sender, Transport: c.smsTransport(),
	}
}

// SMSSMPP returns the description of the centre, without the function for receipts.
func (c Config) SMSSMPP() sms.SMPP {
	s := c.SMS.SMPP
	return sms.SMPP{
		Address: s.Address, TLS: s.TLS, SystemID: s.SystemID, SystemType: s.SystemType, Password: s.Password, Sender: c.SMS.Sender, Transport: c.smsTransport(),
	}
}

func (c Config) smsTransport() sms.Transport {
	return sms.Transport{Roots: c.Roots(), Timeout: c.SMS.Timeout}
}

var smsSender = regexp.MustCompile(`^(\+[0-9]{5,15}|[0-9]{3,8}|[A-Za-z0-9 ._-]{1,11})?$`)

var smsPrefix = regexp.MustCompile(`^\+[1-9][0-9]{0,9}$`)

// checkChannels checks the channels that a profile offers. Mail is always one of them: no
// student needs a telephone.
func (c *Config) checkChannels(f *faults, key string, channels []string) {
	for _, name := range channels {
		if name != string(domain.ChannelMail) && name != string(domain.ChannelSMS) {
			f.add(key, "%q: want mail or sms", name)
		}
	}
	if len(channels) > 0 && !slices.Contains(channels, string(domain.ChannelMail)) {
		f.add(key, "lacks mail: no student needs a telephone")
	}
	if slices.Contains(channels, string(domain.ChannelSMS)) && !c.HasSMS() {
		f.add(key, "has sms, and sms.way names no gateway")
	}
}

func (c *Config) checkSMS(f *faults) {
	s := c.SMS
	if s.Way == "" {
		return
	}
	if !slices.Contains([]string{SMSByHTTP, SMSBySMPP}, s.Way) {
		f.add("sms.way", "%q: want http, smpp or nothing", s.Way)
	}
	if !smsSender.MatchString(s.Sender) {
		f.add("sms.sender", "%q: want up to 11 letters and figures, a short code, or a number with +", s.Sender)
	}
	for _, prefix := range s.Prefixes {
		if !smsPrefix.MatchString(prefix) {
			f.add("sms.allowed_prefixes", "%q: want + and the country's code, perhaps with further figures: +33 or +336", prefix)
		}
	}
	if len(s.Prefixes) == 0 {
		f.add("sms.allowed_prefixes", "is empty: no number could be written to")
	}
	if n := s.Limits.PerNumber; n < 4 || n > 50 {
		f.add("sms.limits.per_number_per_day", "%d: want 4 to 50: two of them are left to notices", n)
	}
	for key, n := range map[string]int{"per_ten_thousand_numbers_per_hour": s.Limits.PerBlock, "per_day": s.Limits.PerDay, "per_month": s.Limits.PerMonth} {
		if n < 5 {
			f.add("sms.limits."+key, "%d: want 5 or more", n)
		}
	}
	between(f, "sms.timeout", s.Timeout, time.Second, time.Minute)
	switch s.Way {
	case SMSByHTTP:
		if _, err := sms.NewHTTP(c.SMSHTTP()); err != nil {
			f.add("sms.http", "%v", err)
		}
		if s.HTTP.Secret.Empty() && s.HTTP.Preset != "" {
			c.needSecret(f, "sms.http.secret", "is missing: give it as ENTREE_SMS_HTTP_SECRET or ENTREE_SMS_HTTP_SECRET_FILE")
		}
	case SMSBySMPP:
		if _, err := sms.NewSMPP(c.SMSSMPP()); err != nil {
			f.add("sms.smpp", "%v", err)
		}
		if s.SMPP.Password.Empty() {
			c.needSecret(f, "sms.smpp.password", "is missing: give it as ENTREE_SMS_SMPP_PASSWORD or ENTREE_SMS_SMPP_PASSWORD_FILE")
		}
	}
}
