//! Manifests for a cluster: a KServe `InferenceService` that runs the ONNX graph, with a canary in both styles,
//! and a plain Kubernetes deployment of a Triton server with it. No secrets, no registry: the user fills in
//! the image and the storage.
//! Formats: KServe `serving.kserve.io/v1beta1`; Kubernetes `apps/v1`, `autoscaling/v2`, `policy/v1`.

use crate::{
    error::ExportError,
    exported::Exported,
    onnx::{self, Layout},
    subject::Subject,
    triton,
};
use std::collections::BTreeMap;

const KSERVE: &str = "\
1. Put `models/` where the cluster can read it and write that place into `storageUri` of the manifests
   (`pvc://`, `s3://`, `gs://` or `https://`).
2. `kubectl apply -f inferenceservice.yaml`
3. Canary, serverless mode: `inferenceservice-canary.yaml` sends 10 % of the traffic to this version.
   Canary, raw deployment mode: `canary-route.yaml` is a second service and a weighted route to both.

Requests follow the Open Inference Protocol (v2); the fields are the inputs of the graph, one row each:

";
const KUBERNETES: &str = "\
1. Copy `models/` to the persistent volume claim `models`; it is a Triton model repository.
2. Write the image of your Triton server into `deployment.yaml`.
3. `kubectl apply -f deployment.yaml -f service.yaml -f autoscaler.yaml -f disruption-budget.yaml`

Requests follow the Open Inference Protocol (v2) at `/v2/models/NAME/infer`.

";

/// Returns a name as Kubernetes allows it: lower-case letters, digits and `-`, a letter first, 63 at most.
fn dns_name(subject: &Subject<'_>) -> String {
    let name: String = subject
        .name()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .collect();
    let name = if name.starts_with(|c: char| c.is_ascii_lowercase()) { name } else { format!("m-{name}") };
    let short: String = name.chars().take(50).collect();
    short.trim_end_matches('-').to_owned()
}

fn metadata(subject: &Subject<'_>, name: &str) -> String {
    let hash = subject.model_sha256.to_string();
    format!(
        "metadata:\n  name: {name}\n  labels:\n    app.kubernetes.io/name: {name}\n    \
         app.kubernetes.io/version: \"{}\"\n  annotations:\n    modelyard/model-sha256: \"{hash}\"\n{}",
        subject.version,
        subject.threshold.map_or_else(String::new, |t| format!("    modelyard/threshold: \"{t}\"\n"))
    )
}

/// Exports manifests for KServe with the graph.
pub(crate) fn kserve(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    let built = onnx::build(subject, Layout::Matrix)?;
    let name = dns_name(subject);
    let usage = format!("{KSERVE}{}", subject.field_table());
    let readme = subject.readme("KServe InferenceService", &usage, &built.notes);
    let own_file = format!("models/{}/{}/model.onnx", subject.name(), subject.version);
    let files = BTreeMap::from([
        ("inferenceservice.yaml".to_owned(), service(subject, &name, None).into_bytes()),
        ("inferenceservice-canary.yaml".to_owned(), service(subject, &name, Some(10)).into_bytes()),
        ("canary-route.yaml".to_owned(), route(subject, &name).into_bytes()),
        (own_file, built.bytes),
        ("README.md".to_owned(), readme.into_bytes()),
    ]);
    Ok(Exported { files, main: None, notes: built.notes })
}

fn service(subject: &Subject<'_>, name: &str, canary: Option<u8>) -> String {
    let canary = canary.map_or_else(String::new, |percent| format!("    canaryTrafficPercent: {percent}\n"));
    format!(
        "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\n{}spec:\n  predictor:\n    \
         minReplicas: 1\n    maxReplicas: 3\n    scaleTarget: 50\n    scaleMetric: concurrency\n    timeout: 30\n\
         {canary}    model:\n      modelFormat:\n        name: onnx\n      protocolVersion: v2\n      storageUri: \
         pvc://models/{}/{}\n      resources:\n        requests:\n          cpu: 100m\n          memory: 256Mi\n        \
         limits:\n          cpu: \"1\"\n          memory: 1Gi\n",
        metadata(subject, name),
        subject.name(),
        subject.version,
    )
}

/// A canary without the serverless mode: a service of its own and a route that divides the traffic.
fn route(subject: &Subject<'_>, name: &str) -> String {
    let canary = format!("{name}-canary");
    let backend = |name: &str, weight: u8| {
        format!("        - name: {name}-predictor\n          port: 80\n          weight: {weight}\n")
    };
    format!(
        "{}---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n{}spec:\n  parentRefs:\n    - name: \
         gateway\n  rules:\n    - backendRefs:\n{}{}",
        service(subject, &canary, None),
        metadata(subject, &format!("{name}-split")),
        backend(name, 90),
        backend(&canary, 10),
    )
}

/// Exports manifests for a Triton server with its model repository.
pub(crate) fn kubernetes(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    let triton = triton::export(subject)?;
    let name = dns_name(subject);
    let usage = KUBERNETES.replace("NAME", subject.name()) + &subject.field_table();
    let readme = subject.readme("Kubernetes deployment", &usage, &triton.notes);
    let mut files: BTreeMap<String, Vec<u8>> = triton
        .files
        .into_iter()
        .filter(|(path, _)| path != "README.md")
        .map(|(path, bytes)| (format!("models/{path}"), bytes))
        .collect();
    files.extend([
        ("deployment.yaml".to_owned(), deployment(subject, &name).into_bytes()),
        ("service.yaml".to_owned(), cluster_service(subject, &name).into_bytes()),
        ("autoscaler.yaml".to_owned(), autoscaler(subject, &name).into_bytes()),
        ("disruption-budget.yaml".to_owned(), disruption_budget(subject, &name).into_bytes()),
        ("README.md".to_owned(), readme.into_bytes()),
    ]);
    Ok(Exported { files, main: None, notes: triton.notes })
}

fn deployment(subject: &Subject<'_>, name: &str) -> String {
    format!("apiVersion: apps/v1\nkind: Deployment\n{}{}", metadata(subject, name), POD.replace("NAME", name))
}

const POD: &str = "\
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: NAME
  template:
    metadata:
      labels:
        app.kubernetes.io/name: NAME
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 40
      securityContext:
        runAsNonRoot: true
        runAsUser: 1000
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: server
          image: tritonserver
          command: [tritonserver, --model-repository=/models]
          ports:
            - name: http
              containerPort: 8000
            - name: grpc
              containerPort: 8001
            - name: metrics
              containerPort: 8002
          livenessProbe:
            httpGet:
              path: /v2/health/live
              port: http
            periodSeconds: 10
          readinessProbe:
            httpGet:
              path: /v2/health/ready
              port: http
            periodSeconds: 5
          startupProbe:
            httpGet:
              path: /v2/health/ready
              port: http
            periodSeconds: 5
            failureThreshold: 60
          resources:
            requests:
              cpu: 250m
              memory: 512Mi
            limits:
              cpu: \"2\"
              memory: 2Gi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
          volumeMounts:
            - name: models
              mountPath: /models
              readOnly: true
            - name: scratch
              mountPath: /tmp
      volumes:
        - name: models
          persistentVolumeClaim:
            claimName: models
        - name: scratch
          emptyDir: {}
";

fn cluster_service(subject: &Subject<'_>, name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\n{}spec:\n  selector:\n    app.kubernetes.io/name: {name}\n  ports:\n    - \
         name: http\n      port: 80\n      targetPort: http\n",
        metadata(subject, name)
    )
}

fn autoscaler(subject: &Subject<'_>, name: &str) -> String {
    format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n{}spec:\n  scaleTargetRef:\n    apiVersion: \
         apps/v1\n    kind: Deployment\n    name: {name}\n  minReplicas: 2\n  maxReplicas: 6\n  metrics:\n    - type: \
         Resource\n      resource:\n        name: cpu\n        target:\n          type: Utilization\n          \
         averageUtilization: 70\n",
        metadata(subject, name)
    )
}

fn disruption_budget(subject: &Subject<'_>, name: &str) -> String {
    format!(
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\n{}spec:\n  minAvailable: 1\n  selector:\n    \
         matchLabels:\n      app.kubernetes.io/name: {name}\n",
        metadata(subject, name)
    )
}
