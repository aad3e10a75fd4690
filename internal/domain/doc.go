// Package domain holds the types that every other package speaks of: person,
// contact, account, journey, job, event, effects, message and the small
// interfaces that the services need of stores and servers.
//
// It does no I/O and imports none of the packages that use it. The services are
// in activation, helpdesk, campaign and charter; the adapters in store,
// keycloak, mail, sso and webhook.
package domain
