package localcas

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"entree/internal/devenv/child"
	"entree/internal/devenv/maven"
)

// Version is the CAS version that the project is tested with: the newest on
// Maven Central.
const Version = "7.0.0"

var war = maven.File{Coordinates: "org.apereo.cas:cas-server-webapp-tomcat:" + Version + ":war", SHA256: "5a39aa795f04023a7cd57e14b08c42527b0ed28edf05484eda1423380b8bbffd"}

// delegation lists the modules by which CAS delegates a login to Keycloak, and
// their dependencies. Central has no POM from which to derive them.
var delegation = []maven.File{
	{Coordinates: "org.apereo.cas:cas-server-support-pac4j-api:7.0.1", SHA256: "f9d1b96d7f465281dc313253882f08ac20e3bd4bab399147dcc47df69ee8c632"},
	{Coordinates: "org.apereo.cas:cas-server-support-pac4j-core:7.0.1", SHA256: "b23e01ba6ff209134d8b09fe03cea2b97b7e140d4e4613cabe861ed7904b1256"},
	{Coordinates: "org.apereo.cas:cas-server-support-pac4j-core-clients:7.0.1", SHA256: "27f529c92310f6c7b417e00b164fc163067806773c5237901c5c963b6ca6f28f"},
	{Coordinates: "org.apereo.cas:cas-server-support-pac4j-webflow:7.0.1", SHA256: "c4cd71550323361229290e42adc0b20eec7539415d0d077a86a253ee676f9949"},
	{Coordinates: "org.pac4j:jakartaee-pac4j:8.0.0", SHA256: "a0992bf8ae0baa479047a25517d2bcb6d964778622547f7f9e13e44201b69347"},
	{Coordinates: "org.pac4j:pac4j-cas:6.0.0", SHA256: "16a68b3e30ba1d623878f083aa42c0a13366248d4e36ed2ccb5a1e36255b042f"},
	{Coordinates: "org.pac4j:pac4j-core:6.0.0", SHA256: "1ae9e3776c5c426dccaa9419009942384d26e0a27f5e0616bf7b41a8dcb47557"},
	{Coordinates: "org.pac4j:pac4j-jakartaee:6.0.0", SHA256: "93f8e21ff61319588729b31ce2ad185b0eff908be694acd10f2a5f0cc6620b72"},
	{Coordinates: "org.pac4j:pac4j-oauth:6.0.0", SHA256: "64a65d6f878ba3ecdfcff19f15374a8c8e327f9a82c85cca2906cb8dc404f7f9"},
	{Coordinates: "org.pac4j:pac4j-oidc:6.0.0", SHA256: "c69fb2796e88a4e951d27ce626483c19fd30ece51097d407b7a38729e9b17a45"},
	{Coordinates: "org.pac4j:pac4j-saml:6.0.0", SHA256: "84cc76a312653b8d8f796423085441100cd0cde948321ddc0e499897b3db96d0"},
	{Coordinates: "org.opensaml:opensaml-saml-api:4.0.1", SHA256: "378814892eab03403350b7e710d0d5c0d15bb40e16f8e3ac97332479c4645b95"},
	{Coordinates: "com.github.scribejava:scribejava-core:8.3.3", SHA256: "b21eacc12983b0de585b05ef307b35f012e48f2898a4acdba529bbb0d379c443"},
}

// directory lists the modules by which CAS binds to an LDAP directory, and their
// dependencies. They lie in a folder of their own, so that a CAS that was unpacked
// before need not be fetched again.
var directory = maven.Program{Name: "CAS's LDAP modules", Size: 3_530_000, Files: []maven.File{
	{Coordinates: "org.apereo.cas:cas-server-support-ldap:7.0.1", SHA256: "22b2e8b365c16a5f0fca26f1e451162ef0893a610185710b4a71ac1e222c1156"},
	{Coordinates: "org.apereo.cas:cas-server-support-ldap-core:7.0.1", SHA256: "5aea0ec127235ae73eaef445d1c34bbc766385b49919db18530a49045b7d7211"},
	{Coordinates: "org.ldaptive:ldaptive:2.2.0", SHA256: "26a6258a6aaab0e32f1e674be9095de70b092fba992ad43a6a818d204e1ac505"},
	{Coordinates: "io.netty:netty-buffer:4.1.104.Final", SHA256: "1e5361d1371ae75836717a22d0b0fba8393ef3ddb345abd7581c97c37aeac568"},
	{Coordinates: "io.netty:netty-codec:4.1.104.Final", SHA256: "36d9840e76de66fbf60da20d740b3974a3545b0a4d68a16a7c19ae998f541098"},
	{Coordinates: "io.netty:netty-common:4.1.104.Final", SHA256: "b98b35afc0c704039dc636c5531583e3100c65e1c6bbf1b109761324bbedb06a"},
	{Coordinates: "io.netty:netty-handler:4.1.104.Final", SHA256: "4c30c26d158fbf6dcebb54f8524e902a0df4fc6157f597af96a27f5459f7d046"},
	{Coordinates: "io.netty:netty-resolver:4.1.104.Final", SHA256: "7d1cf459a1094cdefdae457686118d9dcc00d96b0ad1cea798483a43ffca1064"},
	{Coordinates: "io.netty:netty-transport:4.1.104.Final", SHA256: "28fd78156e8908146e66d247985aa5018a4bce9503c5b3d883481448b23270d3"},
	{Coordinates: "io.netty:netty-transport-native-unix-common:4.1.104.Final", SHA256: "c12f39c8f12a6ba64078caf75fd97a7fbd05643001f424e8b84829b35d402f4e"},
}}

// The delegation's SAML part wants OpenSAML 5, which Central does not have.
// Nothing of it is used; one bean of a class that is not there keeps CAS from
// starting. The stub is that class and that bean. It is compiled by the Groovy
// compiler that CAS brings along, because a Java without a compiler has to do.
//
//go:embed stub.groovy
var stub []byte

//go:embed beans.xml
var beans []byte

const groovyInside = "groovy-4.*.jar"

// cas lists all files, as Maven Central served them on 2026-11-26.
var cas = maven.Program{Name: "CAS " + Version, Files: append([]maven.File{war}, delegation...), Size: 111_700_000}

// findHome returns the folder of the unpacked CAS in the cache.
func findHome(ctx context.Context, java, cache string, out io.Writer) (string, error) {
	return maven.Keep(cache, "cas-"+Version, func(work, fresh string) error {
		err := cas.Fetch(ctx, work, out)
		if errors.Is(err, maven.ErrNoClient) {
			return fmt.Errorf("there is no CAS %s here: %w, which fetches %s and %d files for it; it is then kept in %s", Version, err, war.Coordinates, len(delegation), cache)
		}
		if err != nil {
			return err
		}
		return lay(ctx, work, fresh, java)
	})
}

// findDirectory returns the folder of the LDAP modules in the cache.
func findDirectory(ctx context.Context, cache string, out io.Writer) (string, error) {
	return maven.Keep(cache, "cas-ldap-7.0.1", func(work, fresh string) error {
		if err := directory.Fetch(ctx, work, out); err != nil {
			return err
		}
		if err := os.MkdirAll(fresh, 0o755); err != nil {
			return err
		}
		for _, f := range directory.Files {
			if err := os.Rename(filepath.Join(work, f.Name()), filepath.Join(fresh, f.Name())); err != nil {
				return err
			}
		}
		return nil
	})
}

// lay unpacks the web application and adds the missing files.
func lay(ctx context.Context, work, fresh, java string) error {
	if err := maven.Unzip(filepath.Join(work, war.Name()), "WEB-INF/lib/", fresh); err != nil {
		return err
	}
	for _, f := range delegation {
		if err := os.Rename(filepath.Join(work, f.Name()), filepath.Join(fresh, f.Name())); err != nil {
			return err
		}
	}
	source := filepath.Join(work, "stub.groovy")
	groovy, err := filepath.Glob(filepath.Join(fresh, groovyInside))
	if err != nil || len(groovy) != 1 {
		return fmt.Errorf("%s holds %d Groovy compilers: %w", war.Name(), len(groovy), err)
	}
	err = errors.Join(os.WriteFile(source, stub, 0o644), os.MkdirAll(filepath.Join(fresh, "stub"), 0o755),
		os.WriteFile(filepath.Join(fresh, "stub", "entree-beans.xml"), beans, 0o644))
	if err != nil {
		return err
	}
	said, err := child.Run(ctx, exec.Command(java, "-cp", groovy[0], "org.codehaus.groovy.tools.FileSystemCompiler", "-d", filepath.Join(fresh, "stub"), source))
	if err != nil {
		return fmt.Errorf("compile the stub: %w\n%s", err, said)
	}
	return nil
}
