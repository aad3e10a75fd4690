package bounce_test

import (
	"strings"
	"testing"

	"entree/internal/mail/bounce"
)

// A report about several recipients proves nothing of the ones who have the mail: a
// mailbox that keeps a copy and forwards it, or an alias.
func TestB3_ARecipientWhoHasTheMailIsNotWrong(t *testing.T) {
	const ours, other = "Final-Recipient: rfc822; jp.martin@example.net", "Final-Recipient: rfc822; jp@elsewhere.example"
	const failed = "\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user here"
	group := func(text string) string { return text + "\r\n\r\n" }
	for name, c := range map[string]struct {
		groups string
		told   int
	}{
		"delivered and forwarded":    {group(ours+"\r\nAction: delivered\r\nStatus: 2.0.0") + group(other+failed), 0},
		"forwarded and delivered":    {group(other+failed) + group(ours+"\r\nAction: relayed\r\nStatus: 2.1.9"), 0},
		"expanded to a list":         {group(ours+"\r\nAction: expanded\r\nStatus: 2.1.5") + group("Original-Recipient: rfc822; jp.martin@example.net\r\n"+other+failed), 0},
		"another one has it":         {group(other+"\r\nAction: delivered\r\nStatus: 2.0.0") + group(ours+failed), 1},
		"forwarded only":             {group(other + failed), 1},
		"another one is still tried": {group(other+"\r\nAction: delayed\r\nStatus: 4.4.1") + group(ours+failed), 1},
	} {
		raw := dsn("5.1.1", "550 5.1.1 User unknown")
		from, to := strings.Index(raw, "Final-Recipient"), strings.Index(raw, "--=_7/relay\r\nContent-Type: text/rfc822-headers")
		if told := look(t, pile{[]byte(raw[:from] + c.groups + raw[to:])}); len(told) != c.told {
			t.Errorf("%s: told %+v", name, told)
		}
	}
}

// refusal is the words of a server and the outcome of its report.
type refusal struct {
	status, diagnostic string
	want               bounce.Outcome
}

func judge(t *testing.T, all []refusal) {
	t.Helper()
	for _, c := range all {
		if b := judged(t, c.diagnostic, dsn(c.status, c.diagnostic)); b.Outcome != c.want {
			t.Errorf("%s %s: %s by rule %s, want %s", c.status, c.diagnostic, b.Outcome, b.Rule, c.want)
		}
	}
}

// A name server that failed proves nothing of a domain, and a refusal of the mail
// nothing of the recipient whom its words mention.
func TestB2_OtherCausesInWordsOfAWrongAddress(t *testing.T) {
	judge(t, []refusal{
		{"5.4.4", "Host or domain name not found. Name service error for name=example.net type=MX: Malformed or unexpected name server reply", bounce.Returned},
		{"5.4.4", "Domain name not found: DNS server failure (SERVFAIL)", bounce.Returned},
		{"5.1.2", "No MX record: DNS timeout", bounce.Returned},
		{"5.4.4", "Host or domain name not found. Name service error for name=example.net type=AAAA: Host not found", bounce.Wrong},
		{"5.7.1", "550 5.7.1 rejected for spam: unknown user in your headers", bounce.Returned},
		{"5.7.1", "554 5.7.1 the reputation of your network is too low, the recipient is unknown to it", bounce.Returned},
		{"5.7.1", "550 5.7.1 User unknown", bounce.Wrong},
		{"5.0.0", "550 Ce compte est fermé", bounce.Wrong},
		{"5.0.0", "550 Compte fermé.", bounce.Wrong},
		{"5.0.0", "550 Cette personne a quitté l'établissement", bounce.Wrong},
		{"5.2.1", "550 5.2.1 Compte temporairement fermé", bounce.Returned},
	})
}

// A filter that asks the sender to confirm, and a server that goes on trying, returned
// no mail.
func TestB6_ChallengesAndDelaysInFurtherLanguages(t *testing.T) {
	const daemon, to = "MAILER-DAEMON@mx.other.example", "jp.martin@example.net"
	for _, c := range []struct{ from, subject, text string }{
		{to, "Your message awaits verification", "Your message to " + to + " could not be delivered yet. Please verify that you are a real person by clicking the link below."},
		{"filter@example.net", "Message retenu", "Votre message à " + to + " n'a pas été remis. Cliquez sur ce lien pour confirmer votre envoi."},
		{daemon, "Mail held", "Your mail to " + to + " was quarantined and has not been delivered. An administrator will look at it."},
		{daemon, "Задержка", "Письмо для " + to + " пока не доставлено. Попытки доставки будут повторяться в течение 4 дней."},
		{daemon, "系统通知", "您发给 " + to + " 的邮件暂时无法投递，系统将自动重试。"},
		{daemon, "配信の遅延", to + " 宛のメールは配信できませんでしたが、再送を試みます。"},
		{daemon, "Vertraging", "Uw bericht aan " + to + " kon niet worden bezorgd. Wij blijven proberen tot morgen."},
		{daemon, "Opóźnienie", "Wiadomość nie mogła zostać dostarczona do " + to + ". Serwer podejmie kolejną próbę."},
		{daemon, "Zustellung verzögert sich", "Ihre Nachricht an " + to + " konnte nicht zugestellt werden. Wir versuchen es weiter."},
		{daemon, "Entrega pendente", "Não foi possível entregar sua mensagem a " + to + ". Continuaremos a tentar por dois dias."},
	} {
		if got := bounce.Parse([]byte(notice(c.from, c.subject, c.text)), bounce.DefaultRules()); got.Outcome() != bounce.None {
			t.Errorf("%s: %s (%+v)", c.text, got.Outcome(), got.Failures)
		}
	}
	if got := bounce.Parse([]byte(notice(daemon, "Undeliverable", "Your mail to "+to+" could not be delivered: 550 5.1.1 no such user")), bounce.DefaultRules()); got.Outcome() != bounce.Wrong {
		t.Errorf("%+v", got)
	}
}

// Refusals with the words of a missing mailbox that are about the sender, the mail,
// others' mails or the server's own directory.
func TestB2_WordsOfAMissingMailboxAboutSomethingElse(t *testing.T) {
	judge(t, []refusal{
		{"5.7.1", "550 5.7.1 Too many unknown recipients in your last mails", bounce.Returned},
		{"5.0.0", "554 the share of invalid recipients of your server is above 5 %", bounce.Returned},
		{"5.0.0", "550 the address in the From: address field does not exist", bounce.Returned},
		{"5.0.0", "553 Return-path unknown", bounce.Returned},
		{"5.6.0", "554 5.6.0 the address in the header Cc is invalid", bounce.Returned},
		{"5.0.0", "554 a link in the mail is unknown to our filter", bounce.Returned},
		{"5.3.0", "554 5.3.0 user database unavailable: user not found", bounce.Returned},
		{"5.0.0", "550 LDAP error: no such object for the recipient", bounce.Returned},
		{"5.0.0", "550 this mailbox is being migrated, unknown for now", bounce.Returned},
		{"5.0.0", "550 user temporarily unknown", bounce.Returned},
		{"5.1.1", "the address is on the suppression list: it was invalid before", bounce.Returned},
		{"5.0.0", "550 user not found in database", bounce.Wrong},
		{"5.0.0", "550 5.1.1 the recipient's address is unknown", bounce.Wrong},
		{"5.0.0", "550 BAL inexistante", bounce.Wrong},
	})
}
