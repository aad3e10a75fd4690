package org.apereo.cas.support.saml

/** Stands where CAS looks for OpenSAML, which is not used. */
class OpenSamlConfigBean {}
