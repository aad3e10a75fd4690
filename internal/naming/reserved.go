package naming

import "strings"

// reservedLogins are names of functions and services (RFC 2142 and common
// practice). No person receives one as an identifier or as the local part of an
// address, because mail to it or a login with it is taken for the service.
const reservedLogins = `
abuse accounts accueil aide all assistance admin administrateur administration administrator adm anonymous apache api archives
backup bin billing bounce bounces bugs
ca calendar cert certificates cloud config console contact copieur
daemon dbadmin debug default demo dev devnull dns dns-admin doctor domain domainadmin dpd dpo
drh dsi dsin dsn dsun
direction email enquiries ent entree etudiant etudiants everyone ftp
games git gitlab god guest guichet
help helpdesk hostmaster host httpd
idp imap inconnu info infos informations intranet invite ip is it
keycloak ldap list listes listmaster listserv local localhost login logout
mail mailbox mailer mailer-daemon mailman majordomo manager marketing master me media mfa moderator moodle mx mysql
named network news nginx no-reply nobody noc noreply ntp null
office operator operateur oracle outlook owner
password personnel personnels pgsql phishing pop pop3 postfix postgres postgresql postmaster presidence president press presse privacy proxy public
radius recteur rectorat registrar registry rgpd root router rssi
sales samba sa saml scolarite secretariat secure security sendmail server service services shibboleth smtp sos spam squid ssh ssl sso ssladmin ssladministrator sslwebmaster staff status stats student students su sudo super superadmin supervisor superuser support svn sync sys sysadmin sysadmins system systeme
team tous tech technique telnet test teste tester tomcat
undefined unknown unix universite university upload usenet user username users utilisateur uucp
vpn web webadmin webmail webmaster whois wiki windows wordpress www www-data zabbix
`

// Reserved is a set of logins that are not given to people.
type Reserved map[string]bool

// NewReserved returns the built-in list with more, the institution's own.
func NewReserved(more ...string) Reserved {
	set := Reserved{}
	for _, login := range append(strings.Fields(reservedLogins), more...) {
		set[bare(login)] = true
	}
	return set
}

// Has reports whether a login, or the local part of an address, is reserved.
// Case, dots, hyphens and underscores make no difference.
func (r Reserved) Has(name string) bool {
	local, _, _ := strings.Cut(name, "@")
	return r[bare(local)]
}

func bare(login string) string {
	return strings.NewReplacer(".", "", "-", "", "_", "").Replace(strings.ToLower(strings.TrimSpace(login)))
}
