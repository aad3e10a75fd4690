// Package mailtest holds a sample of each message, for tests and pictures.
package mailtest

import (
	"time"

	"entree/internal/domain"
)

// Asked is the time at which the samples were asked for.
var Asked = time.Date(2026, 9, 1, 12, 4, 0, 0, time.UTC)

// Kinds returns all kinds of messages.
func Kinds() []domain.MessageKind {
	return []domain.MessageKind{
		domain.MessageCode, domain.MessageNotReady, domain.MessageActive, domain.MessageCreating,
		domain.MessageOtherProfile, domain.MessageActivated, domain.MessageUnfinished, domain.MessageParked,
		domain.MessageBegin, domain.MessageAddressChanged, domain.MessageRenamed, domain.MessageAdopted,
		domain.MessageRecover, domain.MessageBarred, domain.MessageReplaced, domain.MessageNoAccount, domain.MessageUnreplaced,
		domain.MessageContactCode, domain.MessageContactChanged, domain.MessageContactNew, domain.MessageContactBack, domain.MessageSecondChanged, domain.MessagePhoneChanged,
		domain.MessageClaimFiled, domain.MessageClaimNotice, domain.MessageClaimOpen, domain.MessageClaimRefused,
		domain.MessageFactorAsked, domain.MessageFactorRemoved, domain.MessageFactorNotice,
		domain.MessageAccepted, domain.MessageInvitation, domain.MessageReminder, domain.MessageCharter, domain.MessageSecondFactor,
	}
}

// Message returns a message to a student with all that its kind needs.
func Message(kind domain.MessageKind, lang domain.Lang) domain.Message {
	m := domain.Message{
		ID: "0123456789abcdef", Kind: kind, Lang: lang, To: "jp.martin@example.net", Profile: "etudiant", OtherProfile: "personnel",
		GivenName: "Jean-Pierre", Minutes: 10, AskedAt: Asked, ExpiresAt: Asked.Add(10 * time.Minute),
		Login: "o22502142", UniversityAddress: "jean-pierre.martin@etu.example.org", Reference: "7K3F-9Q2M", Note: "La rentrée est le 7 septembre.",
		Charter: domain.Receipt{Version: "2026-09", SHA256: domain.HashCharter("x"), At: Asked},
	}
	if m.HasCode() {
		m.Code = "012345"
	}
	switch kind {
	case domain.MessageContactChanged:
		m.TakeBack, m.ExpiresAt = "/compte/adresse/pas-moi/abc", Asked.Add(domain.TakeBackTime)
	case domain.MessageFactorAsked:
		m.TakeBack, m.ExpiresAt = "/compte/second-facteur/pas-moi/abc", Asked.Add(domain.FactorDelay)
	case domain.MessageClaimNotice:
		m.TakeBack, m.ExpiresAt = "/adresse-perdue/pas-moi/abc", Asked.Add(domain.ObjectionTime)
	case domain.MessageContactNew, domain.MessageContactBack:
		m.Address, m.ExpiresAt = "jp.martin@example.net", Asked.Add(domain.TakeBackTime)
	}
	switch kind {
	case domain.MessageReplaced, domain.MessagePhoneChanged, domain.MessageSecondChanged, domain.MessageFactorRemoved, domain.MessageFactorNotice:
		m.Freeze = "/mot-de-passe-oublie/pas-moi/abc"
	}
	if kind == domain.MessageFactorNotice {
		m.Factor, m.Added = domain.FactorPasskey, true
	}
	return m
}
