{{- define "entree.labels" -}}
app.kubernetes.io/name: entree
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}
{{- define "entree.selector" -}}
app.kubernetes.io/name: entree
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "entree.pod" -}}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
volumes:
  - name: config
    configMap:
      name: {{ .Release.Name }}-entree
      items:
        - {key: entree.yaml, path: entree.yaml}
        {{- range $name, $text := .Values.charters }}
        - {key: {{ $name | quote }}, path: {{ printf "charter/%s" $name | quote }}}
        {{- end }}
  - name: secrets
    secret: {secretName: {{ required "existingSecret: name a Secret with the portal's secrets" .Values.existingSecret | quote }}, defaultMode: 0440}
  - name: uploads
    {{- if .Values.uploads.existingClaim }}
    persistentVolumeClaim: {claimName: {{ .Values.uploads.existingClaim | quote }}}
    {{- else }}
    emptyDir: {sizeLimit: 1Gi}
    {{- end }}
{{- end }}
{{- define "entree.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - {name: ENTREE_SECRETS_DIR, value: /run/secrets/entree}
  - {name: ENTREE_PORTAL_LISTEN, value: "0.0.0.0:8080"}
  - {name: ENTREE_PORTAL_OPS_LISTEN, value: "0.0.0.0:9090"}
  - {name: ENTREE_IMPORT_FOLDER, value: /var/lib/entree/imports}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: config, mountPath: /etc/entree, readOnly: true}
  - {name: secrets, mountPath: /run/secrets/entree, readOnly: true}
  - {name: uploads, mountPath: /var/lib/entree}
{{- end }}
