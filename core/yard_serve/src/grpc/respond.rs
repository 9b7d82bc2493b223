//! Answers to gRPC calls: guard, limits and time first, then what the method does.

use super::{
    codec::BytesCodec,
    methods::{self, Action, Method},
    proto,
    request::Message,
    status::status_of,
    unary::{self, PREFIX},
};
use crate::{
    api::{
        raw::write_raw,
        score::{self, Input},
        tensor::{Output, Wanted},
        tensors,
    },
    http::{
        intake::{BodyLimits, read_body},
        reply::{Once, Refusal},
        trace,
    },
    served::{Answers, Dialect, Served},
    server::{LONG_BODY, Server, blocking},
};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{self, HeaderValue},
    http::request::Parts,
};
use prost::Message as _;
use std::{
    future::{Ready, ready},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};
use tonic::{body::Body, server::Grpc};

/// Answers one call.
pub(crate) async fn handle(server: Arc<Server>, request: Request<Incoming>) -> Response<Body> {
    let start = Instant::now();
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    if !kind.starts_with(b"application/grpc") {
        let mut response = Response::new(Body::default());
        *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return response;
    }
    let trace = trace::answer(&parts.headers, &server.ids, server.clock.now_micros());
    let answer = match deadline(&parts.headers) {
        Ok(None) => answer(&server, parts, body, start).await,
        // An answer that is ready when the timer is first looked at is late all the same.
        Ok(Some(most)) => match tokio::time::timeout(most, answer(&server, parts, body, start)).await {
            Ok(answer) if start.elapsed() <= most => answer,
            Ok(Err(refusal)) => Err(refusal),
            _ => Err(late()),
        },
        Err(refusal) => Err(refusal),
    };
    let mut response = answer.unwrap_or_else(|refusal| {
        server.refused.fetch_add(1, Relaxed);
        status_of(refusal).into_http()
    });
    trace::add(response.headers_mut(), trace);
    response
}

fn late() -> Refusal {
    Refusal::new(StatusCode::GATEWAY_TIMEOUT, "deadline", "the deadline passed before the answer was ready")
}

/// Reads the header `grpc-timeout`: up to 8 digits and a unit.
fn deadline(headers: &HeaderMap<HeaderValue>) -> Result<Option<Duration>, Refusal> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    let wrong = || Refusal::bad("header", "header grpc-timeout: expected up to 8 digits and a unit");
    let (unit, digits) = value.as_bytes().split_last().ok_or_else(wrong)?;
    let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    Ok(Some(match unit {
        b'H' => Duration::from_secs(count * 3_600),
        b'M' => Duration::from_secs(count * 60),
        b'S' => Duration::from_secs(count),
        b'm' => Duration::from_millis(count),
        b'u' => Duration::from_micros(count),
        b'n' => Duration::from_nanos(count),
        _ => return Err(wrong()),
    }))
}

async fn answer(
    server: &Arc<Server>,
    parts: Parts,
    body: Incoming,
    start: Instant,
) -> Result<Response<Body>, Refusal> {
    let method = methods::find(parts.uri.path());
    server.guard.admit_method(&parts, method.map(|method| method.scopes))?;
    let Some(method) = method else {
        return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "unsupported", "this method is not served"));
    };
    let _slot = if method.action == Action::Infer { Some(server.gate.enter().await?) } else { None };
    let mut limits = BodyLimits::of(&server.limits);
    limits.bytes += PREFIX as u64;
    let whole = read_body(body, limits).await?;
    let plain = parts.headers.get("grpc-encoding").is_none_or(|encoding| encoding == "identity");
    if let Some(message) = unary::message(&whole).filter(|_| plain) {
        let call = Call { server: server.clone(), method, parts, start };
        let long = message.len() > LONG_BODY || matches!(method.action, Action::Load | Action::Unload);
        let done = if long { blocking(move || call.act(message)).await? } else { call.act(message)? };
        return Ok(unary::response(&done));
    }
    // Compressed, cut off, or more than one message: tonic says what is wrong.
    let most = whole.len();
    let request = Request::from_parts(parts.clone(), Once::new(whole));
    let call = Call { server: server.clone(), method, parts, start };
    let mut grpc =
        Grpc::new(BytesCodec).max_decoding_message_size(most).max_encoding_message_size(usize::MAX);
    Ok(grpc.unary(call, request).await)
}

/// One call whose message tonic has unpacked.
struct Call {
    server: Arc<Server>,
    method: &'static Method,
    parts: Parts,
    start: Instant,
}

impl tonic::server::UnaryService<Bytes> for Call {
    type Response = Vec<u8>;
    type Future = Ready<Result<tonic::Response<Vec<u8>>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let done = self.act(request.into_inner());
        if done.is_err() {
            self.server.refused.fetch_add(1, Relaxed);
        }
        ready(done.map(tonic::Response::new).map_err(status_of))
    }
}

impl Call {
    fn act(&self, body: Bytes) -> Result<Vec<u8>, Refusal> {
        let server = &self.server;
        match self.method.action {
            Action::Infer => self.infer(body),
            Action::ServerLive => Ok(proto::Yes { yes: true }.encode_to_vec()),
            Action::ServerReady => Ok(proto::Yes { yes: server.check_ready().is_ok() }.encode_to_vec()),
            Action::Health => self.health(body),
            Action::ModelReady => {
                let asked = named(body)?;
                let yes = server.check_model_ready(&asked.name, version_of(&asked.version)?);
                match yes {
                    Err(refusal) if refusal.status != StatusCode::SERVICE_UNAVAILABLE => Err(refusal),
                    yes => Ok(proto::Yes { yes: yes.is_ok() }.encode_to_vec()),
                }
            }
            Action::ServerMetadata => Ok(proto::ServerMetadata {
                name: tensors::SERVER_NAME.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                extensions: tensors::EXTENSIONS.iter().map(|name| (*name).to_owned()).collect(),
            }
            .encode_to_vec()),
            Action::ModelMetadata => self.metadata(body),
            Action::Statistics => self.statistics(body),
            Action::Index => self.index(body),
            Action::Load | Action::Unload => self.change(body),
        }
    }

    fn infer(&self, body: Bytes) -> Result<Vec<u8>, Refusal> {
        let message = Message::new(body)?;
        let version = version_of(&message.version)?;
        let model = message.model.clone();
        let request = score::Request {
            dialect: Dialect::Grpc,
            model: &model,
            version,
            headers: &self.parts.headers,
            input: Input::Grpc(message),
            start: self.start,
        };
        score::answer(&self.server, &request).map(|reply| reply.body)
    }

    fn health(&self, body: Bytes) -> Result<Vec<u8>, Refusal> {
        let asked: proto::HealthRequest = decode(body)?;
        let service = asked.service.as_str();
        let ready = match service {
            "" | "inference.GRPCInferenceService" => self.server.check_ready().is_ok(),
            _ => return Err(Refusal::not_found("this service is unknown")),
        };
        Ok(proto::HealthResponse { status: if ready { 1 } else { 2 } }.encode_to_vec())
    }

    fn metadata(&self, body: Bytes) -> Result<Vec<u8>, Refusal> {
        let asked = named(body)?;
        let table = self.server.registry.table();
        let routed = table.model(&asked.name)?;
        let served = routed.choose(version_of(&asked.version)?, b"")?.served;
        let tensor = |name: &str, datatype: &str, width: Option<usize>| proto::TensorMetadata {
            name: name.to_owned(),
            datatype: datatype.to_owned(),
            shape: [-1].into_iter().chain(width.map(|width| width as i64)).collect(),
        };
        let (classes, outputs) = (served.scorer().classes().len(), served.scorer().outputs());
        let input = |field: &crate::rows::InputField| {
            tensor(&field.name, tensors::datatype_of(field.field_type), Some(1))
        };
        let output = |output: &Output| {
            let (datatype, width) = tensors::shape_of(*output, classes, outputs);
            tensor(output.name(), datatype, width)
        };
        Ok(proto::ModelMetadata {
            name: served.identity.model.clone(),
            versions: routed.versions.keys().map(u64::to_string).collect(),
            platform: tensors::PLATFORM.to_owned(),
            inputs: served.inputs.fields.iter().map(input).collect(),
            outputs: Output::of(served.scorer().task()).iter().map(output).collect(),
        }
        .encode_to_vec())
    }

    fn statistics(&self, body: Bytes) -> Result<Vec<u8>, Refusal> {
        let asked = named(body)?;
        let found = self.server.statistics(&asked.name, version_of(&asked.version)?)?;
        let duration = |(count, ns)| Some(proto::Duration { count, ns });
        let model_stats = found
            .into_iter()
            .map(|own| proto::ModelStatistics {
                name: own.model,
                version: own.version.to_string(),
                inference_count: own.rows,
                execution_count: own.success.0,
                inference_stats: Some(proto::InferStatistics {
                    success: duration(own.success),
                    fail: duration(own.fail),
                }),
            })
            .collect();
        Ok(proto::StatisticsResponse { model_stats }.encode_to_vec())
    }

    fn index(&self, body: Bytes) -> Result<Vec<u8>, Refusal> {
        let asked: proto::IndexRequest = decode(body)?;
        let models = self.server.repository_index(asked.ready);
        let models = models
            .into_iter()
            .map(|own| proto::ModelIndex {
                name: own.name,
                version: own.version,
                state: own.state.to_owned(),
                reason: own.reason,
            })
            .collect();
        Ok(proto::IndexResponse { models }.encode_to_vec())
    }

    /// Load starts a stopped model with the version that it had; unload stops it.
    fn change(&self, body: Bytes) -> Result<Vec<u8>, Refusal> {
        let asked: proto::RepositoryModel = decode(body)?;
        let loaded = self.method.action == Action::Load;
        self.server.set_loaded(&asked.model_name, loaded)?;
        Ok(Vec::new())
    }
}

fn decode<T: prost::Message + Default>(body: Bytes) -> Result<T, Refusal> {
    T::decode(body).map_err(|error| super::wire::malformed(&error.to_string()))
}

fn named(body: Bytes) -> Result<proto::ModelName, Refusal> {
    decode(body)
}

/// Reads a version: empty is any; digits without leading zeros otherwise.
fn version_of(text: &str) -> Result<Option<u64>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let number = text.parse().ok().filter(|_| plain);
    let unknown = || Refusal::not_found(format!("version \"{}\" is unknown", crate::json::shortened(text)));
    number.map(Some).ok_or_else(unknown)
}

/// Writes `ModelInferResponse`: raw when the request was, typed contents otherwise.
pub(crate) fn write_infer(served: &Served, id: &str, answers: &Answers, wanted: &[Wanted]) -> Vec<u8> {
    let mut response = proto::InferResponse {
        model_name: served.identity.model.clone(),
        model_version: served.identity.version.to_string(),
        id: id.to_owned(),
        ..proto::InferResponse::default()
    };
    for own in wanted {
        let (datatype, width) = tensors::shape_of(own.output, answers.classes, answers.outputs);
        let mut tensor = proto::Tensor {
            name: own.output.name().to_owned(),
            datatype: datatype.to_owned(),
            shape: [answers.rows].into_iter().chain(width).map(|size| size as i64).collect(),
            ..proto::Tensor::default()
        };
        if own.binary {
            let mut raw = Vec::new();
            write_raw(&mut raw, served, answers, own.output);
            response.raw_output_contents.push(raw.into());
        } else {
            tensor.contents = Some(contents(served, answers, own.output));
        }
        response.outputs.push(tensor);
    }
    response.encode_to_vec()
}

fn contents(served: &Served, answers: &Answers, output: Output) -> proto::Contents {
    let none = proto::Contents::default();
    match output {
        Output::Probability => proto::Contents { fp32s: answers.probabilities.clone(), ..none },
        Output::Margin | Output::Prediction => proto::Contents { fp32s: answers.margins.clone(), ..none },
        Output::Decision => proto::Contents { bools: answers.decisions.clone(), ..none },
        Output::Label => {
            let classes = served.scorer().classes();
            let text = |label: &u32| {
                Bytes::copy_from_slice(classes.get(*label as usize).map_or("", String::as_str).as_bytes())
            };
            proto::Contents { texts: answers.labels.iter().map(text).collect(), ..none }
        }
    }
}
