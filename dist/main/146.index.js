export const id = 146;
export const ids = [146];
export const modules = {

/***/ 8146:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  Attester: () => (/* reexport */ Attester),
  examine: () => (/* reexport */ examine),
  readBundles: () => (/* reexport */ readBundles)
});

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: ./node_modules/@sigstore/bundle/dist/index.js
var dist = __webpack_require__(1040);
// EXTERNAL MODULE: ./node_modules/@sigstore/core/dist/index.js
var core_dist = __webpack_require__(3917);
// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
// EXTERNAL MODULE: ./lib/json.js
var lib_json = __webpack_require__(6413);
// EXTERNAL MODULE: ./lib/sigstore/conversation.js
var conversation = __webpack_require__(5571);
// EXTERNAL MODULE: ./lib/github/oidc.js
var oidc = __webpack_require__(9402);
;// CONCATENATED MODULE: ./lib/sigstore/certificate.js


const FULCIO = '1.3.6.1.4.1.57264.1';
const TIMESTAMPS = '1.3.6.1.4.1.11129.2.4.2';
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
/** Reads a certificate without verifying it; undefined for what is none. */
function readCertificate(bytes) {
    try {
        const read = new external_node_crypto_.X509Certificate(bytes);
        return describe(read, core_dist.X509Certificate.parse(Buffer.from(read.raw)));
    }
    catch {
        return undefined;
    }
}
function describe(read, certificate) {
    /** Extensions from .8 on hold a DER string. */
    const text = (number) => certificate.extension(`${FULCIO}.${String(number)}`)?.valueObj.subs[0]?.value.toString('utf8');
    return {
        key: read.publicKey,
        der: read.raw,
        pem: pemOf(read.raw),
        notBefore: read.validFromDate,
        notAfter: read.validToDate,
        forCodeSigning: read.keyUsage?.includes(CODE_SIGNING) ?? false,
        isAuthority: read.ca,
        hasLogPromise: certificate.extension(TIMESTAMPS) !== undefined,
        // Not Node's `subjectAltName`, which joins all names with commas: a ref may hold one.
        name: certificate.extSubjectAltName?.uri,
        issuers: [certificate.extension(`${FULCIO}.1`)?.value.toString('utf8'), text(8)].filter((it) => it !== undefined),
        sourceRepository: text(12),
        sourceDigest: text(13),
        sourceRef: text(14),
    };
}
function pemOf(der) {
    const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

// EXTERNAL MODULE: ./lib/github/claims.js
var github_claims = __webpack_require__(9742);
// EXTERNAL MODULE: ./lib/sigstore/identity.js
var sigstore_identity = __webpack_require__(7390);
;// CONCATENATED MODULE: ./lib/sigstore/expected-identity.js


/**
 * What the registry would refuse about a certificate: what it is for, and whose it is (rubygems.org
 * app/models/oidc/trusted_publisher/github_action.rb SigstorePolicy, sigstore-ruby 0.2.3 lib/sigstore/policy.rb).
 */
function identityProblems(certificate, { jobWorkflowRef, claims }) {
    const problems = usageProblems(certificate);
    if (!certificate.issuers.includes(sigstore_identity/* GITHUB_ISSUER */.o)) {
        const issuer = certificate.issuers[0] ?? 'nobody';
        problems.push(`its certificate was given on the word of ${issuer}, not of ${sigstore_identity/* GITHUB_ISSUER */.o}`);
    }
    const workflow = (0,github_claims/* workflowOf */.B4)((certificate.name ?? '').replace(/^https:\/\/github\.com\//, ''));
    if (!workflow) {
        problems.push(`its certificate is for ${certificate.name ?? 'no name'}, which is no workflow on github.com`);
    }
    else if (certificate.sourceRef !== workflow.ref) {
        problems.push(`its certificate names the workflow at ${workflow.ref}, but the registry expects it at the ref of the run, ${certificate.sourceRef ?? '(none)'}: they differ where a reusable workflow of another repository signs`);
    }
    const publisher = jobWorkflowRef === undefined ? undefined : (0,github_claims/* workflowOf */.B4)(jobWorkflowRef);
    if (workflow && publisher && (workflow.repository !== publisher.repository || workflow.file !== publisher.file)) {
        problems.push(`it was signed by the workflow ${workflow.file} of ${workflow.repository}, but the gem is published by ${publisher.file} of ${publisher.repository}: the registry accepts attestations of the trusted publisher’s own workflow only`);
    }
    return claims ? [...problems, ...claimProblems(certificate, claims)] : problems;
}
function usageProblems({ forCodeSigning, isAuthority, hasLogPromise }) {
    return [
        ...(forCodeSigning && !isAuthority ? [] : ['its certificate is not one for signing code']),
        ...(hasLogPromise ? [] : ['its certificate has no signed certificate timestamp of a public log']),
    ];
}
/** Only a Fulcio that is not what it should be gives a certificate for somebody else. */
function claimProblems(certificate, claims) {
    const pairs = {
        name: [certificate.name, `https://github.com/${claims.jobWorkflowRef}`],
        repository: [certificate.sourceRepository, `https://github.com/${claims.repository}`],
        commit: [certificate.sourceDigest, claims.sha],
        ref: [certificate.sourceRef, claims.ref],
    };
    return Object.entries(pairs)
        .filter(([, [found, wanted]]) => found !== wanted)
        .map(([what, [found, wanted]]) => `the ${what} in its certificate is ${found ?? '(none)'}, this run’s is ${wanted}`);
}

;// CONCATENATED MODULE: ./lib/sigstore/fulcio.js




const CERTIFICATE = /^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n?$/;
/**
 * Has a certificate made out for `key` in the name the ID token gives; PEM (github.com/sigstore/fulcio, fulcio.proto).
 * Throws ReleaseError (`attestation-failed`).
 */
async function requestCertificate(token, subject, key, services, world) {
    const body = JSON.stringify({
        credentials: { oidcIdentityToken: token.reveal() },
        publicKeyRequest: {
            publicKey: { algorithm: 'ECDSA', content: (0,external_node_crypto_.createPublicKey)(key).export({ format: 'pem', type: 'spki' }) },
            // That the key is ours is shown by signing the token's subject with it.
            proofOfPossession: (0,external_node_crypto_.sign)('sha256', Buffer.from(subject), key).toString('base64'),
        },
    });
    return (0,conversation/* converse */.i)('get a signing certificate from Fulcio', (reason) => (0,conversation/* attestationProblem */.S)(`Fulcio gave no signing certificate: ${reason}.`), {
        method: 'POST',
        url: new URL('/api/v2/signingCert', services.fulcio),
        headers: { accept: 'application/json', 'content-type': 'application/json' },
        body,
    }, judge, world);
}
function judge(answer) {
    const status = String(answer.status);
    if (answer.status >= 300) {
        throw new errors/* ReleaseError */.K2((0,conversation/* attestationProblem */.S)(`Fulcio refused to give a signing certificate: the answer was ${status}.`, answer.status === 400 || answer.status === 401
            ? 'Most likely it does not accept this job’s ID token: its issuer, its age, or its claims.'
            : 'Something between this runner and Fulcio may block it.'));
    }
    const certificate = (0,lib_json/* objectAt */.lJ)(answer.json, 'signedCertificateEmbeddedSct', 'chain')['certificates'];
    const leaf = Array.isArray(certificate) ? certificate[0] : undefined;
    // RubyGems.org needs the log's promise inside the certificate: one given beside it would be of no use.
    if (typeof leaf === 'string' && CERTIFICATE.test(leaf))
        return { done: leaf };
    return { again: `the answer was ${status} without a certificate` };
}

// EXTERNAL MODULE: ./lib/sigstore/run-claims.js
var run_claims = __webpack_require__(4501);
;// CONCATENATED MODULE: ./lib/sigstore/credential.js









/** What Fulcio wants in the `aud` of a token (github.com/sigstore/fulcio, config/identity/config.yaml). */
const AUDIENCE = 'sigstore';
/**
 * Gets a certificate in the name of this job, unless it can be seen beforehand that the registry would not accept it,
 * or that it would make a private repository known. Throws ReleaseError (`attestation-failed`, `id-token-*`).
 */
async function newCredential(run, services, world) {
    const token = await (0,oidc/* requestIdToken */.g)(run, AUDIENCE, world.http, world.runner);
    const claims = (0,run_claims/* readRunClaims */.l)(token);
    if (!claims)
        throw new errors/* ReleaseError */.K2((0,conversation/* attestationProblem */.S)('The ID token for Sigstore could not be read.'));
    refuseUseless(claims);
    const key = (0,external_node_crypto_.generateKeyPairSync)('ec', { namedCurve: 'P-256' }).privateKey;
    const certificate = readCertificate(await requestCertificate(token, claims.subject, key, services, world));
    const problems = certificate ? certificateProblems(certificate, key, claims) : ['it cannot be read'];
    if (certificate && problems.length === 0)
        return { key, certificate, claims };
    throw new errors/* ReleaseError */.K2((0,conversation/* attestationProblem */.S)(`Fulcio gave a certificate that cannot be used: ${problems.join('; ')}.`));
}
function refuseUseless(claims) {
    if (claims.visibility !== 'public' && claims.visibility !== '') {
        throw new errors/* ReleaseError */.K2({
            code: 'attestation-failed',
            what: `${claims.repository} is ${claims.visibility}: it is not named in Sigstore’s public log.`,
            why: 'Signing would write the repository’s name, workflow and commits into a public log for ever.',
            fix: 'Set `attestations: false`.',
        });
    }
    const identity = (0,sigstore_identity/* predictIdentity */.g)(claims);
    if (identity.accepted)
        return;
    throw new errors/* ReleaseError */.K2({
        code: 'attestation-failed',
        what: `The registry would refuse attestations of this job: ${identity.because}.`,
        why: `The certificate would be for ${identity.name}, and the registry asks for ${identity.required}.`,
        fix: identity.fix,
    });
}
function certificateProblems(certificate, key, claims) {
    const ours = certificate.key.equals((0,external_node_crypto_.createPublicKey)(key));
    return [...(ours ? [] : ['it is for another key']), ...identityProblems(certificate, { claims })];
}

// EXTERNAL MODULE: ./lib/sigstore/bundle-fields.js
var bundle_fields = __webpack_require__(5444);
// EXTERNAL MODULE: external "node:util"
var external_node_util_ = __webpack_require__(7975);
;// CONCATENATED MODULE: ./lib/sigstore/log-entry.js



/**
 * Whether a log entry is about this signature by this certificate, as the server asks (sigstore-ruby 0.2.3
 * lib/sigstore/models.rb expected_tlog_entry): the entry must be exactly what can be computed from the bundle.
 */
function entryProblems(bundle, entry, certificate) {
    const body = (0,lib_json/* parseJson */.qF)(Buffer.from((0,lib_json/* stringAt */.bX)(entry, 'canonicalizedBody') ?? '', 'base64').toString('utf8'));
    if (!(0,lib_json/* isObject */.Gv)(body))
        return ['the body of the log entry is not JSON'];
    const kind = `${(0,lib_json/* stringAt */.bX)(body, 'kind') ?? '?'} ${(0,lib_json/* stringAt */.bX)(body, 'apiVersion') ?? '?'}`;
    const stated = `${(0,lib_json/* stringAt */.bX)(entry, 'kindVersion', 'kind') ?? '?'} ${(0,lib_json/* stringAt */.bX)(entry, 'kindVersion', 'version') ?? '?'}`;
    if (kind !== stated)
        return [`the log entry says it is of kind ${stated}, but its body is of kind ${kind}`];
    const expected = expectedSpec(kind, bundle, certificate);
    if (!expected) {
        return [
            `the log entry is of kind ${kind}; for this bundle the registry reads only ${bundle['messageSignature'] ? 'hashedrekord 0.0.1' : 'dsse 0.0.1 and intoto 0.0.2'}, which Rekor v1 writes`,
        ];
    }
    return (0,external_node_util_.isDeepStrictEqual)(withoutEnvelopeHash((0,lib_json/* objectAt */.lJ)(body, 'spec')), expected)
        ? []
        : ['the log entry is about another signature, certificate or content than the bundle'];
}
/** The hash of the envelope is over JSON as the signer wrote it, which nobody can know later. */
function withoutEnvelopeHash(spec) {
    const { envelopeHash: _envelopeHash, ...rest } = spec;
    const { hash: _hash, ...content } = (0,lib_json/* objectAt */.lJ)(rest, 'content');
    return rest['content'] === undefined ? rest : { ...rest, content };
}
function twice(base64) {
    return Buffer.from(base64).toString('base64');
}
function expectedSpec(kind, bundle, { pem, der }) {
    const certificate = twice(pem);
    const message = bundle['messageSignature'];
    const envelope = (0,lib_json/* objectAt */.lJ)(bundle, 'dsseEnvelope');
    const signatures = (0,lib_json/* objectsAt */.yR)(envelope, 'signatures').map((signature) => (0,lib_json/* stringAt */.bX)(signature, 'sig') ?? '');
    const payload = Buffer.from((0,lib_json/* stringAt */.bX)(envelope, 'payload') ?? '', 'base64');
    const payloadHash = { algorithm: 'sha256', value: (0,external_node_crypto_.createHash)('sha256').update(payload).digest('hex') };
    if (message !== undefined) {
        if (kind !== 'hashedrekord 0.0.1')
            return undefined;
        const digest = Buffer.from((0,lib_json/* stringAt */.bX)(message, 'messageDigest', 'digest') ?? '', 'base64').toString('hex');
        const signature = { content: (0,lib_json/* stringAt */.bX)(message, 'signature'), publicKey: { content: certificate } };
        return { data: { hash: { algorithm: 'sha256', value: digest } }, signature };
    }
    if (kind === 'dsse 0.0.1') {
        return { payloadHash, signatures: signatures.map((signature) => ({ signature, verifier: certificate })) };
    }
    if (kind !== 'intoto 0.0.2')
        return undefined;
    // Here the server wants the certificate in one line, unlike in `dsse`.
    const oneLine = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
    const dsse = {
        payloadType: (0,lib_json/* stringAt */.bX)(envelope, 'payloadType'),
        payload: twice(payload.toString('base64')),
        signatures: signatures.map((sig) => ({ publicKey: twice(oneLine), sig: twice(sig) })),
    };
    return { content: { envelope: dsse, payloadHash } };
}

;// CONCATENATED MODULE: ./lib/sigstore/log-proof.js


/**
 * What can be seen of a log entry's proof without the log's key: that it leads from the entry to the root, and that the
 * checkpoint is about this root (RFC 6962, 2.1.1; github.com/transparency-dev/formats, log/README.md). Whether the log
 * really signed it, the registry sees: it has the keys.
 */
function proofProblems(entry) {
    const proof = (0,lib_json/* objectAt */.lJ)(entry, 'inclusionProof');
    const root = bytes((0,lib_json/* stringAt */.bX)(proof, 'rootHash'));
    const hashes = Array.isArray(proof['hashes']) ? proof['hashes'].map((hash) => bytes(String(hash))) : [];
    const [index, size] = [BigInt((0,lib_json/* stringAt */.bX)(proof, 'logIndex') ?? '0'), BigInt((0,lib_json/* stringAt */.bX)(proof, 'treeSize') ?? '0')];
    const body = bytes((0,lib_json/* stringAt */.bX)(entry, 'canonicalizedBody'));
    const computed = rootOf(digest(Buffer.from([0]), body), index, size, hashes);
    return [
        ...(computed?.equals(root)
            ? []
            : ['the proof of inclusion does not lead from the log entry to the root of the log']),
        ...checkpointProblems((0,lib_json/* stringAt */.bX)(proof, 'checkpoint', 'envelope') ?? '', size, root, entry),
    ];
}
function rootOf(leaf, index, size, hashes) {
    if (index >= size)
        return undefined;
    // Below the point where the paths of this leaf and the last one part, the neighbour may be on either side.
    const inner = bitLength(index ^ (size - 1n));
    const border = ones(index >> BigInt(inner));
    if (hashes.length !== inner + border)
        return undefined;
    return hashes.reduce((below, neighbour, level) => {
        const isRight = level >= inner || ((index >> BigInt(level)) & 1n) === 1n;
        return isRight ? digest(Buffer.from([1]), neighbour, below) : digest(Buffer.from([1]), below, neighbour);
    }, leaf);
}
function checkpointProblems(checkpoint, size, root, entry) {
    const [note = '', signatures] = checkpoint.split('\n\n', 2);
    const [origin, treeSize, rootHash] = note.split('\n');
    if (!origin || signatures === undefined)
        return ['the checkpoint of the log is not a signed note'];
    const hints = [...signatures.matchAll(/^— \S+ ([\w+/]+={0,2})$/gm)].map(([, text]) => bytes(text).subarray(0, 4));
    const logId = bytes((0,lib_json/* stringAt */.bX)(entry, 'logId', 'keyId'));
    return [
        ...(treeSize === String(size) && bytes(rootHash).equals(root)
            ? []
            : ['the checkpoint is about another state of the log than the proof of inclusion']),
        ...(hints.length > 0 && hints.every((hint) => hint.equals(logId.subarray(0, 4)))
            ? []
            : ['the checkpoint is signed by another log than the entry names']),
    ];
}
function bytes(base64) {
    return Buffer.from(base64 ?? '', 'base64');
}
function digest(...parts) {
    return (0,external_node_crypto_.createHash)('sha256').update(Buffer.concat(parts)).digest();
}
function bitLength(value) {
    return value === 0n ? 0 : value.toString(2).length;
}
function ones(value) {
    return value.toString(2).replaceAll('0', '').length;
}

;// CONCATENATED MODULE: ./lib/sigstore/statement.js

/** The type DSSE gives to in-toto statements (github.com/in-toto/attestation, spec/v1/envelope.md). */
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const SERVER = 'https://github.com';
/**
 * The statement that is signed: this gem, by its digest, came out of this run (in-toto Statement v1 with SLSA provenance
 * v1, build type `workflow` of GitHub Actions: actions.github.io/buildtypes/workflow/v1). Everything in it but the gem
 * is a claim of the ID token, and in the certificate as well.
 */
function provenance(gem, claims) {
    const started = (0,github_claims/* workflowOf */.B4)(claims.workflowRef);
    const repository = `${SERVER}/${claims.repository}`;
    return {
        _type: STATEMENT_TYPE,
        subject: [{ name: `${gem.fullName}.gem`, digest: { sha256: gem.sha256 } }],
        predicateType: 'https://slsa.dev/provenance/v1',
        predicate: {
            buildDefinition: {
                buildType: 'https://actions.github.io/buildtypes/workflow/v1',
                externalParameters: {
                    workflow: {
                        ref: started?.ref ?? claims.ref,
                        repository,
                        path: started ? `.github/workflows/${started.file}` : '',
                    },
                },
                internalParameters: {
                    github: {
                        event_name: claims.eventName,
                        repository_id: claims.repositoryId,
                        repository_owner_id: claims.repositoryOwnerId,
                        runner_environment: claims.runnerEnvironment,
                    },
                },
                resolvedDependencies: [{ uri: `git+${repository}@${claims.ref}`, digest: { gitCommit: claims.sha } }],
            },
            runDetails: {
                builder: { id: `${SERVER}/${claims.jobWorkflowRef}` },
                metadata: { invocationId: `${repository}/actions/runs/${claims.runId}/attempts/${claims.runAttempt}` },
            },
        },
    };
}

;// CONCATENATED MODULE: ./lib/sigstore/examine.js









/** The media types of version 0.3, which RubyGems.org asks for at least; no later one is known to it. */
const MEDIA_TYPES = new Set([
    'application/vnd.dev.sigstore.bundle.v0.3+json',
    'application/vnd.dev.sigstore.bundle+json;version=0.3',
]);
/**
 * Looks at a bundle as the registry will (rubygems.org app/models/pusher.rb, sigstore-ruby 0.2.3, protobug 0.1.0), with
 * one difference: what needs the keys of Sigstore's roots and logs is left to the registry, which has them.
 */
function examine(value, expected) {
    const { bundle, problems } = (0,bundle_fields/* readFields */.q)(value);
    const material = (0,lib_json/* objectAt */.lJ)(bundle, 'verificationMaterial');
    const found = [...problems, ...formProblems(bundle, material)];
    const [certificateBytes, ...others] = certificatesOf(material);
    const certificate = certificateBytes === undefined ? undefined : readCertificate(certificateBytes);
    if (certificate)
        found.push(...chainProblems(others), ...identityProblems(certificate, expected));
    else
        found.push('it holds no certificate that can be read; bundles with a public key are not accepted');
    const [entry] = (0,lib_json/* objectsAt */.yR)(material, 'tlogEntries');
    if (entry && problems.length === 0)
        found.push(...proofProblems(entry));
    if (certificate) {
        if (entry)
            found.push(...entryProblems(bundle, entry, certificate), ...timeProblems(entry, certificate));
        found.push(...signatureProblems(bundle, certificate));
    }
    return { bundle: value, digests: digestsOf(bundle), certificate, problems: found };
}
function formProblems(bundle, material) {
    const media = (0,lib_json/* stringAt */.bX)(bundle, 'mediaType') ?? '';
    const entries = (0,lib_json/* objectsAt */.yR)(material, 'tlogEntries');
    const stamps = (0,lib_json/* objectsAt */.yR)(material, 'timestampVerificationData', 'rfc3161Timestamps');
    const proof = (0,lib_json/* objectAt */.lJ)(entries[0], 'inclusionProof');
    return [
        ...(MEDIA_TYPES.has(media)
            ? []
            : [`its media type is ${JSON.stringify(media.slice(0, 100))}; the registry needs a bundle of version 0.3`]),
        ...(entries.length === 1
            ? []
            : [
                `it has ${String(entries.length)} transparency log entries, the registry needs exactly one${entries.length === 0 ? ' (attestations of private repositories have none)' : ''}`,
            ]),
        ...(entries.length === 0 || (0,lib_json/* stringAt */.bX)(proof, 'checkpoint', 'envelope') !== undefined
            ? []
            : ['its log entry has no proof of inclusion with a checkpoint']),
        ...(stamps.length === 0 ? [] : ['it has RFC 3161 timestamps, on which the registry may fail']),
        ...(bundle['messageSignature'] !== undefined || bundle['dsseEnvelope'] !== undefined
            ? []
            : ['it holds neither a signature nor a DSSE envelope']),
        ...(bundle['messageSignature'] === undefined || bundle['dsseEnvelope'] === undefined
            ? []
            : ['it holds both a signature and a DSSE envelope']),
        ...(bundle['dsseEnvelope'] === undefined ? [] : statementProblems((0,lib_json/* objectAt */.lJ)(bundle, 'dsseEnvelope'))),
    ];
}
function statementProblems(envelope) {
    const type = (0,lib_json/* stringAt */.bX)(envelope, 'payloadType') ?? '';
    if (type !== PAYLOAD_TYPE)
        return [`its payload is of type ${JSON.stringify(type.slice(0, 100))}, not ${PAYLOAD_TYPE}`];
    const statement = statementOf(envelope);
    if ((0,lib_json/* stringAt */.bX)(statement, '_type') !== STATEMENT_TYPE)
        return [`its payload is no in-toto statement (${STATEMENT_TYPE})`];
    const subjects = (0,lib_json/* objectsAt */.yR)(statement, 'subject');
    const complete = subjects.length > 0 && subjects.every((it) => Object.keys((0,lib_json/* objectAt */.lJ)(it, 'digest')).length > 0);
    return complete ? [] : ['its statement has no subject, or one without a digest'];
}
function statementOf(envelope) {
    return (0,lib_json/* parseJson */.qF)(Buffer.from((0,lib_json/* stringAt */.bX)(envelope, 'payload') ?? '', 'base64').toString('utf8'));
}
/** What the bundle is about; the names of its subjects do not matter to anybody. */
function digestsOf(bundle) {
    const message = (0,lib_json/* stringAt */.bX)(bundle, 'messageSignature', 'messageDigest', 'digest');
    if (message !== undefined)
        return [Buffer.from(message, 'base64').toString('hex')];
    const subjects = (0,lib_json/* objectsAt */.yR)(statementOf((0,lib_json/* objectAt */.lJ)(bundle, 'dsseEnvelope')), 'subject');
    return subjects.map((subject) => (0,lib_json/* stringAt */.bX)(subject, 'digest', 'sha256')).filter((digest) => digest !== undefined);
}
function certificatesOf(material) {
    const chain = (0,lib_json/* objectsAt */.yR)(material, 'x509CertificateChain', 'certificates');
    const all = material['certificate'] === undefined ? chain : [(0,lib_json/* objectAt */.lJ)(material, 'certificate')];
    return all.map((one) => Buffer.from((0,lib_json/* stringAt */.bX)(one, 'rawBytes') ?? '', 'base64'));
}
function chainProblems(others) {
    return others.some((other) => readCertificate(other)?.isAuthority !== false)
        ? ['its certificate chain holds a certificate authority, which the registry does not accept in a bundle']
        : [];
}
/** The log's time is the one at which the certificate must have been good; it lives ten minutes. */
function timeProblems(entry, { notBefore, notAfter }) {
    const at = Number((0,lib_json/* stringAt */.bX)(entry, 'integratedTime') ?? '0') * 1000;
    return at >= notBefore.getTime() && at <= notAfter.getTime()
        ? []
        : ['it was entered into the log at a time when its certificate was not valid'];
}
/** A signature over the file itself is left to the registry: here only its digest is at hand. */
function signatureProblems(bundle, { key }) {
    const envelope = (0,lib_json/* objectAt */.lJ)(bundle, 'dsseEnvelope');
    if (bundle['dsseEnvelope'] === undefined)
        return [];
    const signatures = (0,lib_json/* objectsAt */.yR)(envelope, 'signatures').map((one) => Buffer.from((0,lib_json/* stringAt */.bX)(one, 'sig') ?? '', 'base64'));
    const payload = Buffer.from((0,lib_json/* stringAt */.bX)(envelope, 'payload') ?? '', 'base64');
    const signed = core_dist.dsse.preAuthEncoding((0,lib_json/* stringAt */.bX)(envelope, 'payloadType') ?? '', payload);
    const good = signatures.length > 0 && signatures.every((signature) => (0,external_node_crypto_.verify)('sha256', signed, key, signature));
    return good ? [] : ['its signature is not one of its certificate’s key over its content'];
}

;// CONCATENATED MODULE: ./lib/sigstore/rekor.js



const ENTRIES = '/api/v1/log/entries';
const UUID = /\b([0-9a-f]{16})?[0-9a-f]{64}\b/;
const JSON_BOTH = { accept: 'application/json', 'content-type': 'application/json' };
/**
 * Enters a signed envelope into the transparency log, as entry kind `dsse 0.0.1`: of Rekor v1, which is all that
 * sigstore-ruby 0.2.3 knows (lib/sigstore/models.rb expected_tlog_entry). An entry that is there already, because an
 * earlier answer was lost, is as good. Throws ReleaseError (`attestation-failed`).
 */
async function enterIntoLog(envelope, certificate, services, world) {
    const verifiers = [Buffer.from(certificate).toString('base64')];
    const proposedContent = { envelope: JSON.stringify(envelope), verifiers };
    const entered = await (0,conversation/* converse */.i)('enter the attestation into Rekor', failure, {
        method: 'POST',
        url: new URL(ENTRIES, services.rekor),
        headers: JSON_BOTH,
        body: JSON.stringify({ apiVersion: '0.0.1', kind: 'dsse', spec: { proposedContent } }),
    }, (answer) => (answer.status === 409 ? { done: existing(answer) } : rekor_judge(answer)), world);
    if (!isExisting(entered))
        return entered;
    return (0,conversation/* converse */.i)('read the entry that Rekor already has', failure, { method: 'GET', url: new URL(`${ENTRIES}/${entered.existing}`, services.rekor), headers: JSON_BOTH }, rekor_judge, world);
}
const failure = (reason) => (0,conversation/* attestationProblem */.S)(`Rekor did not take the attestation into its log: ${reason}.`);
function isExisting(value) {
    return typeof value['existing'] === 'string';
}
/** Where the entry is: a number in the answer, looked up in the one log we talk to, whatever address it names. */
function existing(answer) {
    const uuid = UUID.exec(answer.headers.get('location') ?? '') ?? UUID.exec((0,lib_json/* stringAt */.bX)(answer.json, 'message') ?? '');
    if (uuid)
        return { existing: uuid[0] };
    throw new errors/* ReleaseError */.K2(failure('it has an equal entry but does not say where'));
}
function rekor_judge(answer) {
    const status = String(answer.status);
    if (answer.status >= 300) {
        throw new errors/* ReleaseError */.K2((0,conversation/* attestationProblem */.S)(`Rekor refused the attestation: the answer was ${status}.`));
    }
    const entries = (0,lib_json/* isObject */.Gv)(answer.json) ? Object.values(answer.json) : [];
    const entry = entries.length === 1 ? asLogEntry(entries[0]) : undefined;
    return entry ? { done: entry } : { again: `the answer was ${status} without a log entry and its proof` };
}
const hex = (value) => typeof value === 'string' && /^([0-9a-f]{2})+$/.test(value) ? Buffer.from(value, 'hex').toString('base64') : undefined;
/** From Rekor's own form (hexadecimal, numbers) into the bundle's (base64, numbers as text). */
function asLogEntry(value) {
    const verification = (0,lib_json/* objectAt */.lJ)(value, 'verification');
    const proof = (0,lib_json/* objectAt */.lJ)(verification, 'inclusionProof');
    const body = (0,lib_json/* stringAt */.bX)(value, 'body');
    const content = (0,lib_json/* parseJson */.qF)(Buffer.from(body ?? '', 'base64').toString('utf8'));
    const [kind, version] = [(0,lib_json/* stringAt */.bX)(content, 'kind'), (0,lib_json/* stringAt */.bX)(content, 'apiVersion')];
    const { logIndex, integratedTime, logID } = (0,lib_json/* isObject */.Gv)(value) ? value : {};
    const hashes = Array.isArray(proof['hashes']) ? proof['hashes'].map(hex) : [undefined];
    const [keyId, rootHash] = [hex(logID), hex(proof['rootHash'])];
    const [envelope, promise] = [(0,lib_json/* stringAt */.bX)(proof, 'checkpoint'), (0,lib_json/* stringAt */.bX)(verification, 'signedEntryTimestamp')];
    const numbers = [logIndex, integratedTime, proof['logIndex'], proof['treeSize']];
    if (!body || !kind || !version || !keyId || !rootHash || !envelope || hashes.includes(undefined))
        return undefined;
    if (!numbers.every(Number.isSafeInteger))
        return undefined;
    return {
        logIndex: String(logIndex),
        logId: { keyId },
        kindVersion: { kind, version },
        integratedTime: String(integratedTime),
        ...(promise === undefined ? {} : { inclusionPromise: { signedEntryTimestamp: promise } }),
        inclusionProof: {
            logIndex: String(proof['logIndex']),
            rootHash,
            treeSize: String(proof['treeSize']),
            hashes,
            checkpoint: { envelope },
        },
        canonicalizedBody: body,
    };
}

;// CONCATENATED MODULE: ./lib/sigstore/attester.js










/** A certificate is good for ten minutes; the log must have the signature before that. */
const CREDENTIAL_AGE = 5 * 60 * 1000;
/**
 * Signs gems of one run. One ID token, one certificate and one key serve all gems that are signed within a few minutes;
 * the key never leaves memory. What cannot be had once is not asked for again for the next gem.
 */
class Attester {
    #run;
    #services;
    #world;
    #credential;
    constructor(run, services, world) {
        this.#run = run;
        this.#services = services;
        this.#world = world;
    }
    /**
     * A bundle that says that this gem came out of this run, checked as the registry will check it. Only the digest is
     * signed: the file is not opened. Throws ReleaseError (`attestation-failed`, `id-token-*`).
     */
    async attest(gem) {
        const credential = await this.#current();
        const payload = Buffer.from(JSON.stringify(provenance(gem, credential.claims)));
        const signature = (0,external_node_crypto_.sign)('sha256', core_dist.dsse.preAuthEncoding(PAYLOAD_TYPE, payload), credential.key);
        const unlogged = (0,dist/* toDSSEBundle */.PR)({
            artifact: payload,
            artifactType: PAYLOAD_TYPE,
            signature,
            certificate: credential.certificate.der,
            certificateChain: false,
        });
        const envelope = (0,dist/* envelopeToJSON */.Qe)(unlogged.content.dsseEnvelope);
        const entry = await enterIntoLog(envelope, credential.certificate.pem, this.#services, this.#world);
        // Timestamps other than the log's are of no use to the registry, so that not even an empty list of them is sent.
        unlogged.verificationMaterial.timestampVerificationData = undefined;
        const json = (0,dist/* bundleToJSON */.ev)(unlogged);
        const material = (0,lib_json/* isObject */.Gv)(json) && (0,lib_json/* isObject */.Gv)(json['verificationMaterial']) ? json['verificationMaterial'] : {};
        return checked({ ...json, verificationMaterial: { ...material, tlogEntries: [entry] } }, gem, credential);
    }
    async #current() {
        const now = this.#world.clock.now();
        if (!this.#credential || now - this.#credential.at > CREDENTIAL_AGE) {
            this.#credential = { at: now, value: newCredential(this.#run, this.#services, this.#world) };
        }
        return this.#credential.value;
    }
}
/** Nothing a service answered is believed: what it made of our signature is looked at as the registry will. */
function checked(bundle, gem, { claims }) {
    const { digests, problems } = examine(bundle, { jobWorkflowRef: claims.jobWorkflowRef, claims });
    const all = digests.includes(gem.sha256) ? problems : [...problems, 'it is about another file'];
    if (all.length === 0)
        return bundle;
    throw new errors/* ReleaseError */.K2((0,conversation/* attestationProblem */.S)(`The attestation of ${gem.fullName} would be refused by the registry: ${all.join('; ')}.`, 'Sigstore’s services gave something else than they should.'));
}

;// CONCATENATED MODULE: ./lib/sigstore/ready-made.js



/** Larger files are no bundles of gems; a real one has about 10 KiB. */
const LARGEST_FILE = 4 * 1024 * 1024;
/**
 * Bundles made elsewhere (`actions/attest`, cosign, sigstore-cli), each given to the gems it is about. One bundle may be
 * about many gems. A file may hold one bundle, a list, or one to the line, as `actions/attest` writes them.
 * Throws ReleaseError with everything that is wrong: `invalid-input` for files, `attestation-failed` for bundles the
 * registry would refuse or that are about no gem of this release.
 */
function readBundles(files, gems, expected) {
    const problems = [];
    const byGem = new Map();
    for (const file of files) {
        const values = valuesIn(file);
        if (values === undefined || values.length === 0)
            problems.push(unreadable(file));
        for (const [index, value] of (values ?? []).entries()) {
            const name = values && values.length > 1 ? `${file.name}, number ${String(index + 1)}` : file.name;
            const { bundle, digests, problems: found } = examine(value, expected);
            const about = gems.filter((gem) => digests.includes(gem.sha256));
            if (found.length > 0)
                problems.push(refused(name, found));
            else if (about.length === 0)
                problems.push(unrelated(name, digests));
            else
                for (const { sha256 } of about)
                    byGem.set(sha256, [...(byGem.get(sha256) ?? []), asBundle(bundle)]);
        }
    }
    errors/* ReleaseError */.K2.throwIfAny(problems);
    return byGem;
}
function valuesIn({ text }) {
    if (text === undefined || text.length > LARGEST_FILE)
        return undefined;
    const whole = (0,lib_json/* parseJson */.qF)(text);
    if (whole !== undefined)
        return Array.isArray(whole) ? whole : [whole];
    const lines = text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map(lib_json/* parseJson */.qF);
    return lines.includes(undefined) ? undefined : lines;
}
/** Examined without a problem, so that it is an object. */
function asBundle(value) {
    return { ...Object(value) };
}
function unreadable({ name, text }) {
    return {
        code: 'invalid-input',
        what: text === undefined
            ? `Input \`attestation-bundles\`: there is no file ${name}.`
            : `Input \`attestation-bundles\`: ${name} is not JSON, nor one JSON text to the line.`,
        fix: 'Name the files that hold Sigstore bundles: `${{ steps.attest.outputs.bundle-path }}` of actions/attest, or the file cosign wrote with `--bundle`.',
    };
}
function refused(name, found) {
    return {
        code: 'attestation-failed',
        what: `RubyGems.org would refuse the bundle in ${name}, and the gem with it: ${found.join('; ')}.`,
        why: 'One attestation that does not verify fails the whole push.',
        fix: 'Make the bundle with the public Sigstore instance and Rekor v1, in the workflow that publishes; or remove `attestation-bundles`, and the action signs by itself.',
    };
}
function unrelated(name, digests) {
    return {
        code: 'attestation-failed',
        what: `The bundle in ${name} is about no gem of this release (SHA-256 ${digests.slice(0, 3).join(', ')}).`,
        why: 'A bundle is about exact bytes: a gem that was built again after signing is another one.',
        fix: 'Sign the very files that `gems` names, or remove the bundle.',
    };
}

;// CONCATENATED MODULE: ./lib/sigstore/lazy.js
/** What needs Sigstore's libraries, in one place that is loaded only when something is attested. */





/***/ })

};
