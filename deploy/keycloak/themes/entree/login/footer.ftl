<#-- Keycloak's own place for what a theme adds, at the end of the card. The
     portal speaks two languages: French in French, English in any other. -->
<#macro content>
<#assign speaks = ((locale.currentLanguageTag)!lang!"fr")?starts_with("fr")?then("fr", "en")>
<#assign asks = ["login", "login-username", "login-password"]?seq_contains(pageId!"")>
<#if asks && (properties.entreeForgotten!"")?has_content>
  <p class="entree-forgotten"><a id="entree-forgotten" href="${properties.entreeForgotten}${properties.entreeForgotten?contains("?")?then("&", "?")}lang=${speaks}">${msg("entreeForgotten")}</a></p>
</#if>
<#if asks && (properties.entreePortal!"")?has_content>
  <section class="entree-first" aria-labelledby="entree-first">
    <h2 id="entree-first">${msg("entreeFirst")}</h2>
    <p>${msg("entreeFirstText")}</p>
    <a id="entree-activate" class="entree-button" href="${properties.entreePortal}?lang=${speaks}">${msg("entreeActivate")}</a>
  </section>
</#if>
<#-- Keycloak repeats the identifier in a field without a label (26.7.4). -->
<#if auth?has_content && auth.showUsername()>
  <script>document.getElementById("kc-attempted-username")?.setAttribute("aria-label", "${msg("usernameOrEmail")?js_string}");</script>
</#if>
<#if ["login-otp", "webauthn-authenticate", "login-recovery-authn-code-input"]?seq_contains(pageId!"")>
  <p class="entree-lost">${msg("entreeLost")}</p>
</#if>
<#if (properties.entreeHelpUrl!"")?has_content || (properties.entreeHelpEmail!"")?has_content || (properties.entreeHelpPhone!"")?has_content>
  <p class="entree-help"><strong>${msg("entreeHelp")}</strong>
    <#if (properties.entreeHelpUrl!"")?has_content><a href="${properties.entreeHelpUrl}" rel="noopener">${properties.entreeHelpUrl}</a></#if>
    <#if (properties.entreeHelpEmail!"")?has_content><a href="mailto:${properties.entreeHelpEmail}">${properties.entreeHelpEmail}</a></#if>
    <#if (properties.entreeHelpPhone!"")?has_content><a href="tel:${properties.entreeHelpPhone?replace(" ", "")}">${properties.entreeHelpPhone}</a></#if>
  </p>
</#if>
</#macro>
