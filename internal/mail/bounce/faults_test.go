package bounce_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"entree/internal/mail/bounce"
)

// dsn returns a delivery report (RFC 3464) about a mail of ours to jp.
// Replacements are pairs of old and new text.
func dsn(status, diagnostic string, replacements ...string) string {
	text := "Return-Path: <>\r\nFrom: MAILER-DAEMON@relay.example.org (Mail Delivery System)\r\nTo: rebonds@example.org\r\n" +
		"Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"=_7/relay\"\r\n\r\n" +
		"--=_7/relay\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThis is the relay of the university.\r\nThe mail could not be delivered.\r\n\r\n" +
		"--=_7/relay\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example.org\r\n\r\n" +
		"Final-Recipient: rfc822; jp.martin@example.net\r\nAction: failed\r\nStatus: " + status + "\r\nDiagnostic-Code: smtp; " + diagnostic + "\r\n\r\n" +
		"--=_7/relay\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: <ne-pas-repondre@example.org>\r\nTo: <jp.martin@example.net>\r\nSubject: Votre code\r\nMessage-ID: <" + ours + ">\r\n\r\n" +
		"--=_7/relay--\r\n"
	return strings.NewReplacer(replacements...).Replace(text)
}

// judged returns what the reader told of a mail of ours to jp, and fails the
// test unless it told exactly one bounce.
func judged(t *testing.T, name, raw string) bounce.Bounce {
	t.Helper()
	told := look(t, pile{[]byte(raw)})
	if len(told) != 1 {
		t.Errorf("%s: told %+v, want one bounce", name, told)
		return bounce.Bounce{}
	}
	return told[0]
}

func TestB1_GivenUpIsReturnedAndNotWrong(t *testing.T) {
	for status, diagnostic := range map[string]string{
		"4.4.1": "connect to mx.example.net[192.0.2.8]:25: Connection timed out",
		"4.4.7": "451 4.4.7 Message expired: unable to deliver in 2880 minutes",
		"4.1.1": "450 4.1.1 <jp.martin@example.net>: Recipient address rejected: User unknown in virtual alias table",
		"4.2.2": "452 4.2.2 The recipient's mailbox is full",
		"4.0.0": "421 Service refused, please try later",
	} {
		if b := judged(t, status, dsn(status, diagnostic)); b.Outcome != bounce.Returned || b.Status != status {
			t.Errorf("%s %s: %+v", status, diagnostic, b)
		}
	}
	if b := judged(t, "expired", dsn("", "Connection timed out", "Action: failed", "Action: expired")); b.Outcome != bounce.Returned {
		t.Errorf("expired: %+v", b)
	}
}

func TestB2_OnlyAMissingMailboxOrDomainIsWrong(t *testing.T) {
	for _, c := range []struct {
		status, diagnostic string
		outcome            bounce.Outcome
		reason             bounce.Reason
	}{
		{"5.0.0", "554 Message refused: it looks like spam (score 11.3)", bounce.Returned, bounce.Spam},
		{"5.0.0", "550 This message was classified as junk mail", bounce.Returned, bounce.Spam},
		{"5.0.0", "550 192.0.2.7 is listed in a DNSBL, see https://unknown-user.example.com/", bounce.Returned, bounce.Blocklist},
		{"5.7.1", "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.example.org", bounce.Returned, bounce.Blocklist},
		{"5.7.606", "550 5.7.606 Access denied, banned sending IP [192.0.2.7]", bounce.Returned, bounce.Blocklist},
		{"5.7.26", "550-5.7.26 Unauthenticated mail from example.org is not accepted due to the domain's DMARC policy", bounce.Returned, bounce.Auth},
		{"5.0.0", "550 The message violates our local policy", bounce.Returned, bounce.Policy},
		{"5.7.1", "554 5.7.1 <jp.martin@example.net>: Relay access denied", bounce.Returned, bounce.Policy},
		{"5.1.8", "553 5.1.8 <x@example.org>... Domain of sender address x@example.org does not exist", bounce.Returned, bounce.Policy},
		{"5.1.0", "550 5.1.0 <x@example.org> sender rejected", bounce.Returned, bounce.Policy},
		{"5.1.1", "552 5.1.1 Mailbox over quota", bounce.Returned, bounce.Full},
		{"5.2.2", "550 5.2.2 The inbox of the user is full", bounce.Returned, bounce.Full},
		{"5.0.0", "550 La boîte du destinataire est pleine", bounce.Returned, bounce.Full},
		{"5.2.1", "550 5.2.1 The account is temporarily locked", bounce.Returned, bounce.Suspended},
		{"5.3.4", "552 5.3.4 Message size exceeds fixed limit", bounce.Returned, bounce.Content},
		{"5.4.6", "554 5.4.6 Too many hops", bounce.Returned, bounce.Other},
		{"5.0.0", "550 no", bounce.Returned, bounce.Other},
		{"5.0.0", "X-Unix; 255", bounce.Returned, bounce.Other},
		{"5.1.0", "5.1.0 - Unknown address error 554-'Transaction refused by policy'", bounce.Returned, bounce.Policy},

		{"5.1.1", "550 5.1.1 <spam@example.net>... User unknown", bounce.Wrong, bounce.Unknown},
		{"5.0.0", "550 No such user here", bounce.Wrong, bounce.Unknown},
		{"5.0.0", "550 unknown local-part \"jp.martin\" in domain \"example.net\"", bounce.Wrong, bounce.Unknown},
		{"5.0.0", "Unrouteable address", bounce.Wrong, bounce.Unknown},
		{"5.1.1", "550 5.1.1 <jp.martin@example.net>: Recipient address rejected: User unknown in relay recipient table", bounce.Wrong, bounce.Unknown},
		{"5.0.0", "X-Notes; User jp martin (jp.martin@example.net) not listed in public Name & Address Book", bounce.Wrong, bounce.Unknown},
		{"5.0.0", "550 Utilisateur inconnu", bounce.Wrong, bounce.Unknown},
		{"5.0.0", "550 Empfänger unbekannt", bounce.Wrong, bounce.Unknown},
		{"5.1.1", "550 5.1.1", bounce.Wrong, bounce.Unknown},
		{"5.1.2", "550 5.1.2 no", bounce.Wrong, bounce.NoDomain},
		{"5.4.4", "Host or domain name not found. Name service error for name=example.net type=A: Host not found", bounce.Wrong, bounce.NoDomain},
		{"5.0.0", "No such domain.", bounce.Wrong, bounce.NoDomain},
		{"5.1.6", "551 5.1.6 The user has moved to another place", bounce.Wrong, bounce.Moved},
		{"5.2.1", "550 5.2.1 The mailbox has been deleted", bounce.Wrong, bounce.Closed},
	} {
		if b := judged(t, c.diagnostic, dsn(c.status, c.diagnostic)); b.Outcome != c.outcome || b.Reason != c.reason {
			t.Errorf("%s %s: %s (%s) by rule %s, want %s (%s)", c.status, c.diagnostic, b.Outcome, b.Reason, b.Rule, c.outcome, c.reason)
		}
	}
}

func TestB3_AReportDecidesAndNotTheListOfFailedRecipients(t *testing.T) {
	listed := []string{"MIME-Version: 1.0", "X-Failed-Recipients: jp.martin@example.net\r\nMIME-Version: 1.0"}
	for _, action := range []string{"delayed", "delivered", "relayed", "expanded"} {
		raw := dsn("4.4.1", "connection timed out", append(listed, "Action: failed", "Action: "+action)...)
		if told := look(t, pile{[]byte(raw)}); len(told) != 0 {
			t.Errorf("%s: told %+v", action, told)
		}
	}
	if b := judged(t, "given up", dsn("4.4.1", "connection timed out", listed...)); b.Outcome != bounce.Returned || b.Status != "4.4.1" {
		t.Errorf("given up: %+v", b)
	}
}

func TestB4_UnknownUsersOfProviders(t *testing.T) {
	for _, c := range []struct{ status, diagnostic, server string }{
		{"5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable (S1). [X1.eop-EUR02.prod.protection.outlook.com]", "hotmail-com.olc.protection.outlook.com"},
		{"5.4.1", "550 5.4.1 Recipient address rejected: Access denied. [X1.eop-EUR02.prod.protection.outlook.com]", "campus.mail.protection.outlook.com"},
		{"5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", "campus.prod.outlook.com"},
		{"5.5.0", "550 5.5.0 Adresse destinataire invalide. Invalid recipient. LPN007_416", "smtpz4.laposte.net"},
		{"5.1.1", "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]", "smtp-in.orange.fr"},
		{"5.1.1", "550-5.1.1 The email account that you tried to reach does not exist.", "gmail-smtp-in.l.google.com"},
		{"5.0.0", "554 delivery error: dd This user doesn't have a yahoo.com account (jp.martin@example.net) [0]", "mta5.am0.yahoodns.net"},
		{"5.1.1", "550 5.1.1 <jp.martin@example.net>: inactive email address", "mx01.mail.icloud.com"},
		{"5.0.0", "550 Requested action not taken: mailbox unavailable", "mx00.gmx.net"},
		{"5.0.0", "550 Mailbox not found.", "mx3.qq.com"},
	} {
		raw := dsn(c.status, c.diagnostic, "Action: failed", "Remote-MTA: dns; "+c.server+"\r\nAction: failed")
		if b := judged(t, c.server, raw); b.Outcome != bounce.Wrong || b.Status != c.status {
			t.Errorf("%s: %+v", c.server, b)
		}
	}
	// The same providers' refusals of our mails.
	for server, diagnostic := range map[string]string{
		"smtp-in.orange.fr":                      "550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]",
		"smtpz4.laposte.net":                     "550 5.5.0 Le compte du destinataire est bloque. LPN007_426",
		"hotmail-com.olc.protection.outlook.com": "550 5.7.1 Unfortunately, messages from [192.0.2.7] weren't sent. Please contact your provider since part of their network is on our block list (S3150).",
		"mxs.mail.ru":                            "550 spam message rejected. Please visit http://help.mail.ru/notspam-support/",
		"mx3.qq.com":                             "550 Domain may not exist or DNS check failed",
	} {
		raw := dsn("5.0.0", diagnostic, "Action: failed", "Remote-MTA: dns; "+server+"\r\nAction: failed")
		if b := judged(t, server, raw); b.Outcome != bounce.Returned {
			t.Errorf("%s: %+v", server, b)
		}
	}
}

func TestB5_DamagedReportsAreRead(t *testing.T) {
	const status, words = "5.1.1", "550 5.1.1 User unknown"
	const third = "--=_7/relay\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: <ne-pas-repondre@example.org>\r\nTo: <jp.martin@example.net>\r\nSubject: Votre code\r\nMessage-ID: <" + ours + ">\r\n\r\n"
	for name, raw := range map[string]string{
		"no closing boundary":         dsn(status, words, "--=_7/relay--\r\n", ""),
		"cut after the id":            strings.SplitAfter(dsn(status, words), ours+">")[0],
		"a malformed line":            dsn(status, words, "Action: failed", "this line is no field\r\nAction: failed"),
		"a space before the colon":    dsn(status, words, "Action:", "Action :"),
		"mixed and not report":        dsn(status, words, "multipart/report; report-type=delivery-status;", "multipart/mixed;"),
		"no boundary parameter":       dsn(status, words, ";\r\n\tboundary=\"=_7/relay\"", ""),
		"boundary not indented":       dsn(status, words, "\r\n\tboundary", "\r\nboundary"),
		"no third part, In-Reply-To":  dsn(status, words, third, "", "MIME-Version", "In-Reply-To: <"+ours+">\r\nMIME-Version"),
		"no third part, References":   dsn(status, words, third, "", "MIME-Version", "References: <a@example.org>\r\n <"+ours+">\r\nMIME-Version"),
		"no third part, in the text":  dsn(status, words, third, "", "could not be delivered.", "could not be delivered.\r\n  Message-ID: <"+ours+">"),
		"no third part, in the group": dsn(status, words, third, "", "Action:", "X-Original-Message-ID: <"+ours+">\r\nAction:"),
		"third part not declared":     dsn(status, words, "Content-Type: text/rfc822-headers\r\n\r\n", "Content-Type: text/plain\r\n"),
		"an mbox line":                "From MAILER-DAEMON Sun Nov 29 09:00:00 2026\r\n" + dsn(status, words),
		"an mbox line in the part":    dsn(status, words, "From: <ne-pas", "From x Sun Nov 29 09:00:00 2026\r\nFrom: <ne-pas"),
		"bare line feeds":             strings.ReplaceAll(dsn(status, words), "\r\n", "\n"),
		"bare carriage returns":       strings.ReplaceAll(dsn(status, words), "\r\n", "\r"),
		"an empty line in the group":  dsn(status, words, "Action: failed", "\r\nAction: failed"),
		"no empty line between":       dsn(status, words, "relay.example.org\r\n\r\nFinal", "relay.example.org\r\nFinal"),
		"no address type":             dsn(status, words, "rfc822; jp", "jp"),
		"address in brackets":         dsn(status, words, "rfc822; jp.martin@example.net", "RFC822; <JP.Martin@Example.net>"),
		"a comment behind the status": dsn(status+" (bad destination mailbox)", words),
		"no status":                   dsn("", words),
		"base64": dsn(status, words, "message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example.org\r\n\r\n",
			"message/delivery-status\r\nContent-Transfer-Encoding: 7bit\r\n\r\nReporting-MTA: dns; relay.example.org\r\n\r\n"),
		"forwarded as an attachment": "From: postmaster@example.org\r\nSubject: Fwd: rebond\r\nContent-Type: multipart/mixed; boundary=f\r\n\r\n--f\r\n\r\nPour information.\r\n--f\r\nContent-Type: message/rfc822\r\n\r\n" + dsn(status, words) + "\r\n--f--\r\n",
		"fields in the text": "From: MAILER-DAEMON@relay.example.org\r\nReturn-Path: <>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe mail was not delivered.\r\n\r\nTechnical report:\r\n\r\n" +
			"Reporting-MTA: dns; relay.example.org\r\n\r\nAction: failed\r\nFinal-Recipient: rfc822; jp.martin@example.net\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\nMessage-ID: <" + ours + ">\r\n",
	} {
		b := judged(t, name, raw)
		if b.Outcome != bounce.Wrong || b.Status != status || b.Address != jp {
			t.Errorf("%s: %+v", name, b)
		}
	}
	for diagnostic, want := range map[string]string{
		"host mx.example.net[10.5.1.1] said: 550 5.7.1 refused as spam":    "5.7.1",
		"host mx.example.net[5.1.1.9] said: 550 blocked":                   "5.0.0",
		"550 server version 5.1.1.2 blocked your host":                     "5.0.0",
		"host mx.example.net [192.0.2.5.2.1] said: 554 5.6.0 Bad content.": "5.6.0",
		"550 Blocked (#5.7.1)": "5.7.1",
		"host 4.7.1.1 said: 550-5.7.26 DMARC 550 5.7.26 see the help pages": "5.7.26",
	} {
		if b := judged(t, diagnostic, dsn("5.0.0", diagnostic)); b.Status != want || b.Outcome != bounce.Returned {
			t.Errorf("%s: %+v, want %s", diagnostic, b, want)
		}
	}
}

// plain returns a notice without a report about a mail of ours to jp.
func plain(subject, notice, marker string) string {
	return "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.org\r\nTo: rebonds@example.org\r\nSubject: " + subject + "\r\n\r\n" +
		strings.ReplaceAll(notice, "\n", "\r\n") + "\r\n\r\n" + marker + "\r\n\r\nReturn-Path: <rebonds@example.org>\r\nFrom: <ne-pas-repondre@example.org>\r\nTo: <jp.martin@example.net>\r\n" +
		"Message-ID: <" + ours + ">\r\nSubject: Votre code\r\n\r\nBonjour, voici votre code.\r\n"
}

func TestB6_PlainTexts(t *testing.T) {
	for _, c := range []struct {
		name, raw, status string
		outcome           bounce.Outcome
	}{
		{"qmail", plain("failure notice", "Hi. This is the qmail-send program at mx.example.org.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up.\n\n<jp.martin@example.net>:\n192.0.2.9 does not like recipient.\nRemote host said: 550 5.1.1 unknown user\nGiving up on 192.0.2.9.", "--- Below this line is a copy of the message."), "5.1.1", bounce.Wrong},
		{"qmail, local", plain("failure notice", "Hi. This is the qmail-send program.\n\n<jp.martin@example.net>:\nSorry, no mailbox here by that name. (#5.1.1)", "--- Below this line is a copy of the message."), "5.1.1", bounce.Wrong},
		{"qmail, given up", plain("failure notice", "Hi. This is the qmail-send program. I wasn't able to deliver your message.\n\n<jp.martin@example.net>:\nConnected to 192.0.2.9 but connection died. (#4.4.2)\nI'm not going to try again; this message has been in the queue too long.", "--- Below this line is a copy of the message."), "4.4.2", bounce.Returned},
		{"Yahoo", plain("Failure Notice", "Sorry, we were unable to deliver your message to the following address.\n\n<jp.martin@example.net>:\nRemote host said:\n554 5.7.1 refused: spam\n[RCPT_TO]", "--- Below this line is a copy of the message."), "5.7.1", bounce.Returned},
		{"DragonFly", plain("Mail delivery failed", "This is the DragonFly Mail Agent at df.example.org.\n\nThere was an error delivering your mail to <jp.martin@example.net>.\n\nmx.example.net [192.0.2.9] did not like our RCPT TO:\n550 5.1.1 <jp.martin@example.net>: No such user", "Message headers follow."), "5.1.1", bounce.Wrong},
		{"Exim", plain("Mail delivery failed: returning message to sender", "A message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  jp.martin@example.net\n    host mx.example.net [192.0.2.9]: 550 Mailbox quota exceeded", "------ This is a copy of the message, including all the headers. ------"), "5.0.0", bounce.Returned},
		{"sendmail", plain("Returned mail: see transcript for details", "   ----- The following addresses had permanent fatal errors -----\n<jp.martin@example.net>\n\n   ----- Transcript of session follows -----\n... while talking to mx.example.net.:\n>>> RCPT To:<jp.martin@example.net>\n<<< 550 5.1.1 <jp.martin@example.net>... User unknown", "   ----- Original message follows -----"), "5.1.1", bounce.Wrong},
		{"Notes", plain("DELIVERY FAILURE: User not listed", "------- Failure Reasons  --------\n\nUser not listed in public Name & Address Book\njp.martin@example.net", "------- Returned Message --------"), "5.0.0", bounce.Wrong},
		{"Exchange 2003", plain("Undeliverable: Votre code", "Your message\n\n  To:      jp.martin@example.net\n  Subject: Votre code\n\ndid not reach the following recipient(s):\n\njp.martin@example.net on Sun, 29 Nov 2026 10:00:00 +0100\n    The recipient name is not recognized", "Original message headers:"), "5.0.0", bounce.Wrong},
		{"MailMarshal", plain("Undeliverable: Votre code", "Your message could not be delivered because of\n\n550 5.1.1 User unknown\n\nThe following recipients were affected:\n    jp.martin@example.net", "Original message headers:"), "5.1.1", bounce.Wrong},
		{"GroupWise", plain("Message status - undeliverable", "The message that you sent was undeliverable to the following:\n\tjp.martin@example.net (user not found)", "Original message:"), "5.0.0", bounce.Wrong},
		{"in French", plain("Non remis : Votre code", "Votre message n'a pas pu être remis au destinataire suivant :\n\n<jp.martin@example.net>\n550 Cet utilisateur est inconnu", "Message d'origine :"), "5.0.0", bounce.Wrong},
	} {
		if b := judged(t, c.name, c.raw); b.Outcome != c.outcome || b.Status != c.status {
			t.Errorf("%s: %+v, want %s %s", c.name, b, c.outcome, c.status)
		}
	}
}

// Two recipients in one notice: each has its own words.
func TestB6_EachRecipientHasItsOwnWords(t *testing.T) {
	report := bounce.Parse([]byte(plain("failure notice", "Hi. This is the qmail-send program. I wasn't able to deliver your message.\n\n<full@example.net>:\nRemote host said: 552 5.2.2 mailbox is full\n\n<jp.martin@example.net>:\nRemote host said: 550 5.1.1 no such user", "--- Below this line is a copy of the message.")), bounce.DefaultRules())
	var got []string
	for _, f := range report.Failures {
		got = append(got, fmt.Sprint(f.Recipients, f.Status, f.Outcome))
	}
	if want := []string{"[full@example.net]5.2.2returned", "[jp.martin@example.net]5.1.1wrong"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMailsThatAreNoBounces(t *testing.T) {
	from := "From: Jean-Pierre <jp.martin@example.net>\r\nTo: rebonds@example.org\r\nIn-Reply-To: <" + ours + ">\r\n"
	for name, raw := range map[string]string{
		"an absence":        "Return-Path: <>\r\nAuto-Submitted: auto-replied\r\n" + from + "Subject: Absent\r\n\r\nJe suis absent jusqu'au 12. jp.martin@example.net\r\n",
		"an absence, again": "Return-Path: <>\r\nAuto-Submitted: auto-replied\r\n" + from + "Subject: Automatic reply: Votre code\r\n\r\nI am out of office. Mail to jp.martin@example.net will be read on Monday.\r\n",
		"a letter":          from + "Subject: Re: Votre code\r\n\r\nBonjour, je n'ai pas reçu le code, user unknown?\r\n\r\n> Message-ID: <" + ours + ">\r\n",
		"a warning":         plain("Delivery Status Notification (Delay)", "THIS IS A WARNING MESSAGE ONLY.\n\nDelivery to the following recipient has been delayed:\n\n     jp.martin@example.net\n\nMessage will be retried for 2 more day(s)", "----- Original message -----"),
		"a warning of Exim": plain("Warning: message 1abc delayed 24 hours", "A message that you sent has not yet been delivered to one or more of its recipients after more than 24 hours.\n\n  jp.martin@example.net\n    Delay reason: 451 4.1.1 User unknown\n\nNo action is required on your part. Delivery attempts will continue for some time.", "------ Headers ------"),
		"an abuse report":   "From: fbl@example.net\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n\r\nAn abuse report.\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <" + ours + ">\r\nTo: jp.martin@example.net\r\n\r\nx\r\n--b--\r\n",
		"a delivery":        dsn("2.0.0", "250 2.0.0 delivered", "Action: failed", "Action: delivered"),
	} {
		if told := look(t, pile{[]byte(raw)}); len(told) != 0 {
			t.Errorf("%s: told %+v", name, told)
		}
	}
}

func TestRulesOfAnInstitutionComeFirst(t *testing.T) {
	own, err := bounce.ParseRules([]byte("providers:\n- {name: Campus, domains: [campus.example.net]}\nrules:\n- {id: campus-gone, outcome: wrong, reason: closed, provider: Campus, text: 'service refused', source: our own relay}\n"))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := bounce.DefaultRules().Extend(own)
	if err != nil {
		t.Fatal(err)
	}
	if _, v := rules.Judge("a@campus.example.net", "550 Service refused"); v.Outcome != bounce.Wrong || v.Rule != "campus-gone" || v.Provider != "Campus" {
		t.Errorf("%+v", v)
	}
	if _, v := rules.Judge("a@example.net", "550 Service refused"); v.Outcome != bounce.Returned {
		t.Errorf("%+v", v)
	}
	for name, text := range map[string]string{
		"no source":        "rules: [{id: a, outcome: wrong, reason: unknown, text: x}]",
		"no condition":     "rules: [{id: a, outcome: wrong, reason: unknown, source: x}]",
		"a bad outcome":    "rules: [{id: a, outcome: none, reason: unknown, text: x, source: x}]",
		"a bad reason":     "rules: [{id: a, outcome: wrong, reason: because, text: x, source: x}]",
		"a bad status":     "rules: [{id: a, outcome: wrong, reason: unknown, status: '5.x', source: x}]",
		"a bad expression": "rules: [{id: a, outcome: wrong, reason: unknown, text: '(', source: x}]",
		"one id twice":     "rules: [{id: a, outcome: wrong, reason: unknown, text: x, source: x}, {id: a, outcome: wrong, reason: unknown, text: y, source: x}]",
		"no YAML":          "rules: [",
	} {
		if _, err := bounce.ParseRules([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	stranger, err := bounce.ParseRules([]byte("rules: [{id: a, outcome: wrong, reason: unknown, provider: Nowhere, text: x, source: x}]"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bounce.DefaultRules().Extend(stranger); err == nil {
		t.Error("a rule of an unknown provider was accepted")
	}
	again, err := bounce.ParseRules([]byte("rules: [{id: no-user, outcome: returned, reason: other, text: x, source: x}]"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bounce.DefaultRules().Extend(again); err == nil {
		t.Error("an id of a built-in rule was accepted")
	}
}

func TestAnMboxHoldsSeveralMails(t *testing.T) {
	one := "From MAILER-DAEMON Sun Nov 29 09:00:00 2026\n" + strings.ReplaceAll(dsn("5.1.1", "550 5.1.1 User unknown"), "\r\n", "\n")
	if got := bounce.SplitMbox([]byte(one + "\n" + one + "\n" + one)); len(got) != 3 {
		t.Errorf("%d mails", len(got))
	}
	if got := bounce.SplitMbox([]byte(dsn("5.1.1", "x"))); len(got) != 1 {
		t.Errorf("%d mails", len(got))
	}
}
